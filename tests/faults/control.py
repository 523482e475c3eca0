"""The switchboard of one process under test: a small shared file in which the harness arms crash points and moves the
clock while the process runs. The product knows nothing of it; `points` reads it.
"""

import mmap
import os
import signal
import struct
from pathlib import Path

POINTS = (
    "append.before",
    "append.after",
    "identity.before",
    "relay.read",
    "relay.published",
    "projector.rows",
    "projector.committed",
    "keeper.heard",
    "keeper.given",
)
"""Where a process can be made to die: before a commit, after a commit and before the answer, before and after a
publish, between rows and cursor, after the cursor, between what the keeper heard and what it writes, after it served
a page."""

SIZE = 4096
CLOCK = struct.Struct("<q")
COUNT = struct.Struct("<i")


class Control:
    """The file mapped into this process; both sides see every change at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(bytes(SIZE))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), SIZE)

    def arm(self, point: str, passings: int = 1) -> None:
        """Let the process die the `passings`-th time it comes to the point; 0 disarms."""
        COUNT.pack_into(self._map, self._place(point), passings)

    def armed(self) -> list[str]:
        return [point for point in POINTS if COUNT.unpack_from(self._map, self._place(point))[0] > 0]

    def disarm(self) -> None:
        for point in POINTS:
            self.arm(point, 0)

    def passing(self, point: str) -> None:
        """The process is at the point; it may not come back from here."""
        left = COUNT.unpack_from(self._map, self._place(point))[0]
        if left > 0:
            self.arm(point, left - 1)
            if left == 1:
                os.kill(os.getpid(), signal.SIGKILL)

    @property
    def clock(self) -> int:
        """By how many seconds the clock of the process differs from the machine's."""
        seconds: int = CLOCK.unpack_from(self._map, 0)[0]
        return seconds

    @clock.setter
    def clock(self, seconds: int) -> None:
        CLOCK.pack_into(self._map, 0, seconds)

    @staticmethod
    def _place(point: str) -> int:
        return CLOCK.size + COUNT.size * POINTS.index(point)
