"""The README's tour and audit commands do what it says, block by block, against a running demo class."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.common.process import Journal

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.clause("R 2.8")
def test_the_tour_runs_as_written(demo: Journal) -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 8
    script = "set -eu\n" + "\necho '--block--'\n".join(blocks)
    script = script.replace("set -eu", f"set -eu\napi={demo.address}/api\nzhurnal='{sys.executable} -m services'", 1)
    script = script.replace("$zhurnal audit history", f"export ZHURNAL_DATA={demo.data}\n$zhurnal audit history")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.split("--block--\n")
    history, stale, guardian, group, admin, auditor, audit = said[1:8]
    assert '"position": "gradebook:' in history or '"position":"gradebook:' in history
    assert '"GradeRecorded' in history
    assert '"code": "precondition-failed"' in stale
    assert "Новая отметка" in guardian
    assert "not-found" in guardian.splitlines()[-1]
    assert "lessons are not filled in" in group
    assert "forbidden" in admin
    assert "Traceback" not in done.stderr, done.stderr
    assert auditor.strip()
    assert "GradeRecorded" in audit or "5" in audit
