"""The small profile: units that systemd takes, paths that the bundle makes, settings that exist."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from services.kit.settings import PREFIX, SERVICES, Settings

SMALL = Path(__file__).resolve().parents[2] / "deploy" / "small"
UNITS = sorted(path for path in SMALL.iterdir() if path.suffix in (".service", ".timer"))
SERVICE_UNITS = [path for path in UNITS if path.suffix == ".service"]
KNOWN = {PREFIX + field.upper() for field in Settings.model_fields}
LARGEST_EXPOSURE = 2.0


@pytest.mark.parametrize("path", [*UNITS, SMALL / "zhurnal.env.example"], ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    assert set(re.findall(r"(ZHURNAL_[A-Z_]+)", path.read_text())) <= KNOWN


def test_the_example_is_a_configuration_that_starts() -> None:
    """As it is, and with the addresses of a server of one's own."""
    text = (SMALL / "zhurnal.env.example").read_text()
    for content in (text, re.sub(r"^#(ZHURNAL_)", r"\1", text, flags=re.MULTILINE)):
        given = dict(line.split("=", 1) for line in content.splitlines() if line.startswith("ZHURNAL_"))
        settings = Settings.load(given)
        settings.require_databases()
    assert all(settings.database(service).owner_dsn for service in SERVICES)


@pytest.mark.parametrize("path", SERVICE_UNITS, ids=lambda path: path.name)
def test_the_bundle_puts_things_where_the_units_look_for_them(path: Path) -> None:
    install = (SMALL.parent / "bundle" / "install.sh").read_text()
    assert "prefix=/opt/zhurnal\n" in install
    assert re.search(r"^ExecStart=/opt/zhurnal/venv/bin/zhurnal ", path.read_text(), re.MULTILINE)
    for folder in ("/etc/zhurnal/zhurnal.env", "/var/backups/zhurnal", "/var/lib/zhurnal"):
        assert folder in install


@pytest.fixture
def checked(tmp_path: Path) -> Path:
    """The units with a program that exists everywhere in the place of ours."""
    for path in UNITS:
        text = path.read_text().replace("/opt/zhurnal/venv/bin/zhurnal", "/bin/true")
        (tmp_path / path.name).write_text(text)
    return tmp_path


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_takes_the_units_and_finds_them_closed(checked: Path) -> None:
    names = [str(checked / path.name) for path in UNITS]
    verified = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    for path in SERVICE_UNITS:
        judged = ["systemd-analyze", "security", "--offline=true", str(checked / path.name)]
        said = subprocess.run(judged, capture_output=True, text=True, check=True).stdout
        exposure = re.search(rf"exposure level for {path.name}: ([\d.]+)", said)
        assert exposure is not None
        assert float(exposure[1]) <= LARGEST_EXPOSURE
