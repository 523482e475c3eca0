"""Logs: JSON, one trace through a request, nothing about persons."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import structlog
from pydantic import BaseModel

from services.kit.embedded import EmbeddedServer
from services.kit.logging import begin_trace, configure


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure("info", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _only(stream: io.StringIO) -> dict[str, Any]:
    written = stream.getvalue().splitlines()
    assert len(written) == 1
    found: dict[str, Any] = json.loads(written[0])
    return found


def test_a_message_is_one_json_object_with_the_trace(lines: io.StringIO) -> None:
    begin_trace("t1")
    structlog.get_logger().info("page opened", position=7)
    found = _only(lines)
    assert found.pop("timestamp").endswith("Z")
    assert found == {"event": "page opened", "level": "info", "position": 7, "trace": "t1"}


def test_a_fresh_trace_differs_from_the_last() -> None:
    assert begin_trace() != begin_trace()
    structlog.contextvars.clear_contextvars()


def test_libraries_that_log_by_themselves_go_the_same_way(lines: io.StringIO) -> None:
    logging.getLogger("some.library").warning("slow %s", "answer")
    found = _only(lines)
    assert (found["event"], found["level"]) == ("slow answer", "warning")


def test_less_severe_messages_are_dropped(lines: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("some.library").debug("detail")
    assert lines.getvalue() == ""


def test_personal_fields_are_cut_at_any_depth(lines: io.StringIO) -> None:
    structlog.get_logger().info("saved", email="a@example.test", who={"surname": "Искусственная", "id": "p1"})
    assert _only(lines)["who"] == {"surname": "[cut]", "id": "p1"}
    assert "a@example.test" not in lines.getvalue()


def test_a_failure_tells_type_place_and_cause(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise RuntimeError("outer") from inner
    except RuntimeError:
        structlog.get_logger().exception("failed")
    told = _only(lines)["exception"]
    assert told.index("builtins.KeyError: 'inner'") < told.index("builtins.RuntimeError: outer")
    assert "test_logging.py" in told


def test_the_members_of_a_group_are_told(lines: io.StringIO) -> None:
    structlog.get_logger().error("failed", exc_info=ExceptionGroup("both", [ValueError("one"), TypeError("two")]))
    told = _only(lines)["exception"]
    assert "builtins.ValueError: one" in told
    assert "builtins.TypeError: two" in told


def test_errors_that_quote_data_are_told_without_it(lines: io.StringIO, server: EmbeddedServer) -> None:
    class Person(BaseModel):
        born: int

    try:
        Person.model_validate({"born": "Искусственная"})
    except ValueError:
        structlog.get_logger().exception("failed")
    with psycopg.connect(server.dsn()) as conn:
        conn.execute("create temporary table person (email text primary key)")
        try:
            conn.execute("insert into person values ('a@example.test'), ('a@example.test')")
        except psycopg.Error:
            structlog.get_logger().exception("failed")
    written = lines.getvalue()
    assert "Искусственная" not in written
    assert "a@example.test" not in written
    assert "23505 person person_pkey" in written


def test_on_a_terminal_it_is_text(lines: io.StringIO) -> None:
    configure("info", stream=lines, pretty=True)
    structlog.get_logger().info("ready", port=1)
    assert "ready" in lines.getvalue()
    assert not lines.getvalue().startswith("{")
