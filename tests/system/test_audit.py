"""`zhurnal audit` on real data: equal when nothing was touched, and the first difference when something was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from services.kit.embedded import EmbeddedServer
from tests.common.process import zhurnal, zhurnal_here
from tests.common.stored import demo_class


@pytest.fixture(scope="module")
def stopped() -> Iterator[Path]:
    """The data of a stopped demo class."""
    with demo_class() as data:
        yield data


def replayed(data: Path, expected: int) -> dict[str, Any]:
    done = zhurnal_here("audit", "replay", "--json", data=data)
    assert done.returncode == expected, done.stdout + done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


class Edit(NamedTuple):
    """One cell of one row changed by somebody with full rights: the row, the column, its new value as SQL."""

    service: str
    table: str
    key: str
    column: str
    row: str
    value: str


GRADE = "type = 'GradeRecorded.v1' order by position desc limit 1"
EDITS = {
    "a grade": (
        Edit(
            "gradebook",
            "event",
            "event_id",
            "body",
            f"body like '%\"5\"%' and {GRADE}",
            "replace(body, '\"5\"', '\"4\"')",
        ),
        "card",
    ),
    "who gave it": (
        Edit(
            "gradebook", "event", "event_id", "meta", GRADE, 'regexp_replace(meta, \'"actor":"[^"]*\', \'"actor":"x\')'
        ),
        "rules",
    ),
    "when": (Edit("gradebook", "event", "event_id", "at", GRADE, "at - interval '1 year'"), "gradebook"),
    "its form": (Edit("gradebook", "event", "event_id", "body", GRADE, "body || ' '"), "gradebook"),
    "a hole": (Edit("gradebook", "event", "event_id", "position", GRADE, "-position"), "gradebook"),
    "a role": (
        Edit("identity", "event", "event_id", "revision", "revision = 0 order by position limit 1", "revision + 1000"),
        "identity",
    ),
    "a view": (Edit("reporting", "card.grade", "grade", "value", "value = '5' order by grade limit 1", "'2'"), "card"),
}


@contextmanager
def tampered(data: Path, edit: Edit) -> Iterator[None]:
    """The edit behind the journal's back, undone at the end."""
    with _superuser(data, edit.service) as conn:
        row = conn.execute(f"select {edit.key}, {edit.column} from {edit.table} where {edit.row}".encode()).fetchone()
        assert row is not None
        conn.execute(f"update {edit.table} set {edit.column} = {edit.value} where {edit.key} = %s".encode(), (row[0],))
    try:
        yield
    finally:
        with _superuser(data, edit.service) as conn:
            conn.execute(f"update {edit.table} set {edit.column} = %s where {edit.key} = %s".encode(), (row[1], row[0]))


@contextmanager
def _superuser(data: Path, service: str) -> Iterator[psycopg.Connection[Any]]:
    with EmbeddedServer.start(data) as server, psycopg.connect(server.dsn(f"zhurnal_{service}")) as conn:
        guarded = conn.execute("select 1 from pg_class where relname = 'event'").fetchone()
        if not guarded:
            yield conn
            return
        conn.execute("alter table event disable trigger user")
        yield conn
        for (name,) in conn.execute("select tgname from pg_trigger where tgrelid = 'event'::regclass").fetchall():
            conn.execute(f"alter table event enable always trigger {name}".encode())


@pytest.mark.clause("R 2.1")
def test_untouched_data_replays_equal(stopped: Path) -> None:
    done = zhurnal("audit", "replay", data=stopped)
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = replayed(stopped, 0)
    assert outcome["equal"]
    assert outcome["events judged"] == outcome["events gradebook"] > 10_000
    assert outcome["rights judged"] > 9_000
    assert outcome["views compared"] == 5


@pytest.mark.parametrize("what", EDITS)
def test_a_change_behind_the_journals_back_is_named(stopped: Path, what: str) -> None:
    edit, part = EDITS[what]
    with tampered(stopped, edit):
        outcome = replayed(stopped, 1)
    assert not outcome["equal"]
    assert part in {finding["part"] for finding in outcome["findings"]}, outcome["findings"]


@pytest.mark.parametrize("who", ["stranger", "teacher of another group"])
def test_a_right_that_nobody_had_is_named_where_the_page_alone_would_not_tell(stopped: Path, who: str) -> None:
    """The page takes anybody for a deputy who says so."""
    event = "type = 'PeriodClosed.v1' order by position desc limit 1"
    someone = {
        "stranger": "'x'",
        "teacher of another group": """(select max(t.meta::json->>'actor') from event t where t.type = 'LessonHeld.v1'
            and (t.meta::json->>'actor') not in (select s.body::json->>'teacher' from event s
              where s.stream = event.stream and s.type = 'TeacherAssigned.v1'))""",
    }
    value = f"""regexp_replace(meta, '"actor":"[^"]*', '"actor":"' || {someone[who]})"""
    with tampered(stopped, Edit("gradebook", "event", "event_id", "meta", event, value)):
        outcome = replayed(stopped, 1)
    found = [finding["what"] for finding in outcome["findings"] if finding["part"] == "rights"]
    assert len(found) == 1
    assert found[0].startswith("PeriodClosed.v1 by ")
    assert "was not deputy_director for group " in found[0]
    assert "rules" not in {finding["part"] for finding in outcome["findings"]}, outcome["findings"]


@pytest.mark.clause("R 4.4.1")
def test_a_grade_past_the_rules_is_named_with_its_rule(stopped: Path) -> None:
    """Appended through the log's own function, so that everything but the rules is in order."""
    body = {"grade": "g", "late_by_days": 0, "student": "s", "value": "5", "work": "oral"}
    with EmbeddedServer.start(stopped) as server, psycopg.connect(server.dsn("zhurnal_gradebook")) as conn:
        row = conn.execute(
            "select stream, max(revision), max(meta) from event where type = 'LessonHeld.v1' group by 1"
        ).fetchone()
        assert row is not None
        stream, _, meta = row
        held = conn.execute(
            "select body::json->>'lesson', body::json->>'date' from event where stream = %s and type = 'LessonHeld.v1'"
            " order by position desc limit 1",
            (stream,),
        ).fetchone()
        head = conn.execute("select max(revision) from event where stream = %s", (stream,)).fetchone()
        assert held is not None
        assert head is not None
        body["lesson"] = held[0]
        stranger = json.dumps(
            {**json.loads(meta), "actor": "stranger", "command": "c"}, sort_keys=True, separators=(",", ":")
        )
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        conn.execute(
            "select * from public.log_append(array[%s], array[%s::int8], array[1], array[1],"
            " array[gen_random_uuid()], array['GradeRecorded.v1'], array[%s], array[%s])",
            (stream, head[0], text, stranger),
        )
    outcome = replayed(stopped, 1)
    (finding, *_) = [f for f in outcome["findings"] if f["part"] == "rules"]
    assert "stranger" in finding["what"]
    assert "G1" in finding["what"], finding


def test_the_history_of_a_page_is_printed(stopped: Path) -> None:
    with EmbeddedServer.start(stopped) as server, psycopg.connect(server.dsn("zhurnal_gradebook")) as conn:
        row = conn.execute(
            "select substring(stream from 6), position from event where type = 'GradeChanged.v1' order by 2 limit 1"
        ).fetchone()
        assert row is not None
    page, position = row
    done = zhurnal_here("audit", "history", page, "--json", data=stopped)
    assert done.returncode == 0, done.stderr
    changed = next(line for line in json.loads(done.stdout) if line["position"] == position)
    assert {"actor", "role", "at", "command", "reason"} <= set(changed)
    assert {"old", "value"} <= set(changed["data"])
    before = zhurnal_here("audit", "history", page, "--as-of", str(position - 1), "--json", data=stopped)
    assert all(line["position"] < position for line in json.loads(before.stdout))
    assert zhurnal_here("audit", "history", page, "--as-of", "yesterday", data=stopped).returncode == 2
    assert zhurnal_here("audit", "history", "none", data=stopped).returncode == 2


def test_a_view_is_rebuilt_to_the_same(stopped: Path) -> None:
    built = zhurnal_here("rebuild", "card", "--json", data=stopped)
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)[0]["events"] > 10_000
    verified = zhurnal_here("rebuild", "--verify", "--json", data=stopped)
    assert verified.returncode == 0, verified.stdout
    assert zhurnal_here("rebuild", "nothing", data=stopped).returncode == 2
