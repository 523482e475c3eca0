"""`python -m tests.faults.zygote`: a process that has imported everything and forks one child per `zhurnal` command.

Children are real processes of their own: they are killed, stopped and started like any other, but begin in some 50 ms
instead of two seconds, so that a hundred deaths fit into a test. Orders come as JSON lines on standard input
{name, argv, environment, output, control, bug}, reports go out as {name, pid} and {pid, code}. Ends with its input.
"""

import gc
import json
import os
import selectors
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import services.cli.serve
import services.cli.up
import services.kit.bus.kafka
import services.targets  # noqa: F401
from services.__main__ import app
from tests.faults import bugs, points
from tests.faults.control import Control


def child(order: dict[str, Any]) -> None:
    """What a child does: become the command, with its crash points and, if one is named, its bug."""
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in ((0, nothing), (1, output), (2, output)):
        os.dup2(file, number)
    os.closerange(3, 256)
    os.environ.update(order["environment"])
    points.install(Control(Path(order["control"])))
    if order["bug"]:
        bugs.install(order["bug"])
    sys.argv = ["zhurnal", *order["argv"]]
    app()


def ended(order: dict[str, Any]) -> int:
    """Run the command to its end; its exit code."""
    code: Any = 1
    try:
        child(order)
    except SystemExit as said:
        code = said.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def serve() -> None:
    """Take orders until the input ends, then end every child."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()  # pages of what is there now stay shared with all children
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(reading, selectors.EVENT_READ)
    alive: set[int] = set()
    pending = b""
    tell({"ready": True})
    while True:
        for key, _ in waiting.select():
            if key.fd == reading:
                os.read(reading, 4096)
                bury(alive)
                continue
            if not (got := os.read(0, 65536)):
                for pid in alive:
                    os.kill(pid, signal.SIGKILL)
                return
            *lines, pending = (pending + got).split(b"\n")
            for line in lines:
                order = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    signal.signal(signal.SIGINT, signal.SIG_DFL)
                    os._exit(ended(order))
                alive.add(pid)
                tell({"name": order["name"], "pid": pid})


def bury(alive: set[int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        alive.discard(pid)
        tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def tell(what: dict[str, Any]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    serve()
