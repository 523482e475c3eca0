"""The demo class as its first start left it: loaded once in a run of tests, copied for each that wants one of its own.

A load takes ten seconds of a processor, a copy less than one. The tests of loading itself load for themselves.
"""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.common.process import Journal, data_folder

RUN = "TESTS_RUN_FOLDER"
"""Names the folder that all processes of a run share; whoever begins the run makes it and takes it away."""


def new_run_folder() -> Path:
    """A folder for a run, in a place that a database server which is not root reaches."""
    folder = Path(tempfile.mkdtemp(prefix="zhurnal-run-", dir="/tmp"))
    folder.chmod(0o711)
    return folder


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """No other process of the run does this meanwhile."""
    with (Path(os.environ[RUN]) / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def demo_class() -> Iterator[Path]:
    """The data of a stopped journal with the demo class, for one test or one module to use up."""
    with data_folder() as data:
        # -p keeps the owner of the cluster; Python's own copies do not.
        subprocess.run(["cp", "-Rp", _loaded(), data], check=True)
        yield data


def _loaded() -> Path:
    """The stored data, which is loaded by the first that asks while the others wait for it."""
    run = Path(os.environ[RUN])
    data = run / "class" / "data"
    with one_at_a_time("class"):
        if not data.exists():
            fresh = run / "class-loading"
            fresh.mkdir(mode=0o711, exist_ok=True)
            with Journal(fresh / "data", command="up") as journal:
                assert journal.stop() == 0
            assert not (fresh / "data" / "postgres").is_symlink(), "a copy would share its cluster"
            fresh.rename(data.parent)
    return data
