"""Reporting over HTTP: what the card and the summary say, and who reads them."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.events import gradebook as g
from contracts.events import identity as i
from contracts.events import schedule as s
from services.kit.postgres import open_pool
from services.kit.projector import Projector
from services.kit.reads import Read, ReadLog
from services.kit.rebuild import ensure, rebuild, verify
from services.reporting.app import VIEWS, build
from tests.common.readside import END, START, Client, Logs, enrolled, found_college, grade, lesson, reason
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio


class World:
    def __init__(self, logs: Logs, client: Client, projector: Projector, owner_dsn: str, noted: list[Read]) -> None:
        self.logs, self.client, self.projector = logs, client, projector
        self.owner_dsn, self.noted = owner_dsn, noted
        self.reads: ReadLog

    async def get(self, person: str, path: str, **params: Any) -> Any:
        await self.projector.catch_up()
        answer = await self.client.get(person, path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def card(self, student: str = "s1", person: str = "d1", **params: Any) -> Any:
        return await self.get(person, f"/students/{student}/card", **params)

    async def maths(self, student: str = "s1") -> Any:
        """The card's part of the page m."""
        return next(d for d in (await self.card(student))["disciplines"] if d["page"] == "m")


@pytest.fixture
async def world(database: NewDatabase) -> AsyncIterator[World]:
    prepared = await database("reporting")
    logs = Logs()
    await found_college(logs)
    for view in VIEWS:
        await ensure(view, logs.logs, prepared.owner_dsn)
    pool = await open_pool(prepared.dsn, name="reporting")
    noted: list[Read] = []

    async def sink(batch: list[Read]) -> None:
        noted.extend(batch)

    reads = ReadLog(sink)
    service = build(pool, logs.logs, logs.bus, logs.authenticator, reads)
    projector = service.projectors[0]
    async with logs.client(service.app) as client:
        made = World(logs, client, projector, prepared.owner_dsn, noted)
        made.reads = reads
        yield made
    await pool.close()


async def teach(world: World) -> None:
    """Two lessons of maths with grades, an absence, homework; one lesson of the labs."""
    await world.logs.page(
        "m",
        lesson("l1", "m", date(2025, 9, 2), 1),
        grade("g1", "l1", "s1", "4"),
        grade("g2", "l1", "s2", "3"),
        g.AttendanceMarked(lesson="l1", marks=(g.Absence(student="s3", hours=2),)),
        lesson("l2", "m", date(2025, 9, 4), 2),
        grade("g3", "l2", "s1", "5", "test"),
        grade("g4", "l2", "s1", "2", "independent"),
        g.AttendanceMarked(
            lesson="l2", marks=(g.Absence(student="s1", hours=1, left_early=45), g.Absence(student="s2", late=10))
        ),
        g.HomeworkAssigned(lesson="l2", text="№ 1–5", due_on=date(2025, 9, 9)),
    )
    await world.logs.page("l", lesson("l3", "l", date(2025, 9, 3), 1, taught_by="t2"), grade("g5", "l3", "s1", "5"))


@pytest.mark.clause("R 2.4", "R 2.8")
async def test_the_card_shows_every_discipline(world: World) -> None:
    await teach(world)
    card = await world.card("s1", "s1")
    assert [d["discipline"]["title"] for d in card["disciplines"]] == ["Электротехника", "Математика"]
    maths = card["disciplines"][1]
    assert maths["mean"] == 467  # (1·4 + 2·5)/3
    assert maths["counted"] == 2
    assert maths["state"] == "open"
    assert maths["teachers"] == ["t1"]
    assert [x["topic"] for x in maths["lessons"]] == ["Тема 1", "Тема 2"]
    second = maths["lessons"][1]
    assert second["grades"] == [
        {"grade": "g3", "value": "5", "work": "test", "weight": 200},
        {"grade": "g4", "value": "2", "work": "independent", "weight": 0},
    ]
    assert second["homework"] == {"text": "№ 1–5", "due_on": "2025-09-09"}
    assert second["absence"] == {"hours": 1, "late": 0, "left_early": 45, "class": None}
    assert maths["hours"]["held"] == 4
    assert maths["attendance"] == 7500
    assert card["hours"]["missed"] == 1
    assert card["years"] == [
        {
            "year": "y",
            "title": "2025/26",
            "periods": [
                {
                    "period": "p",
                    "title": "1 полугодие",
                    "kind": "semester",
                    "starts_on": START.isoformat(),
                    "ends_on": END.isoformat(),
                }
            ],
        }
    ]


async def test_a_card_shows_what_has_changed_since_the_last_one(world: World) -> None:
    await teach(world)
    before = (await world.maths())["lessons"]
    await world.logs.page(
        "m",
        g.LessonAmended(lesson="l1", hours=2, kind="lecture", topic="Другая тема"),
        g.HomeworkAssigned(lesson="l1", text="§ 2"),
    )
    assert [x["topic"] for x in (await world.maths())["lessons"]] == ["Другая тема", before[1]["topic"]]
    await world.logs.page("m", g.AttendanceMarked(lesson="l1", marks=(g.Absence(student="s1", late=5),)))
    after = (await world.maths())["lessons"]
    assert after[0]["homework"]["text"] == "§ 2"
    assert after[0]["absence"]["late"] == 5
    await world.logs.page("m", lesson("l9", "m", date(2025, 9, 8), 3))
    assert [x["lesson"] for x in (await world.maths())["lessons"]] == ["l1", "l2", "l9"]
    assert "absence" not in (await world.maths("s2"))["lessons"][0]


@pytest.mark.clause("R 2.2")
async def test_topics_are_passed_against_the_plan(world: World) -> None:
    await teach(world)
    programme = (await world.maths())["programme"]
    assert (programme["hours"], programme["given"], programme["topics"], programme["passed"]) == (6, 4, 2, 1)
    assert [t["given"] for t in programme["plan"]] == [2, 2]


async def test_a_change_an_annulment_and_a_retake_move_the_mean(world: World) -> None:
    await teach(world)
    await world.logs.page(
        "m",
        g.GradeChanged(
            grade="g3", lesson="l2", student="s1", old="5", value="2", old_work="test", work="test",
            reason=reason(), corrects="x",
        ),
        grade("g6", "l2", "s1", "4", "test", retake_of="g3", makeup_on=date(2025, 9, 11)),
        g.GradeAnnulled(
            grade="g1", lesson="l1", student="s1", old="4", old_work="oral", reason=reason(), corrects="y"
        ),
    )  # fmt: skip
    maths = await world.maths()
    assert maths["mean"] == 400
    assert maths["lessons"][0]["grades"] == []
    assert [(x["grade"], x.get("replaced"), x.get("retake_of")) for x in maths["lessons"][1]["grades"]] == [
        ("g3", True, None),
        ("g4", None, None),
        ("g6", None, "g3"),
    ]


async def test_a_final_is_shown_and_its_withdrawal_takes_it_away(world: World) -> None:
    await world.logs.page(
        "m", g.FinalGradeSet(student="s1", value="4", basis=g.Basis(mean=433)), g.PageSigned(revision=9)
    )
    maths = await world.maths()
    assert (maths["final"], maths["final_mean"], maths["state"]) == ("4", 433, "signed")
    await world.logs.page(
        "m", g.FinalGradeWithdrawn(student="s1", old="4", reason=reason(), corrects="x"), g.PeriodClosed()
    )
    maths = await world.maths()
    assert (maths["final"], maths["state"]) == (None, "closed")


async def test_attendance_marked_again_replaces_and_taken_back_is_unmarked(world: World) -> None:
    await teach(world)
    await world.logs.page("m", g.AttendanceMarked(lesson="l2", marks=(), corrects="x"))
    assert (await world.maths())["hours"]["missed"] == 0
    await world.logs.page("m", g.AttendanceMarked(lesson="l1", marks=(), corrects="y", taken_back=True))
    world.logs.clock.set(datetime(2025, 9, 20, 3, tzinfo=UTC))
    gaps = await world.get("d1", "/groups/g1/gaps", gap="no_attendance")
    assert {x["lesson"] for x in gaps["items"]} == {"l1", "l3"}


@pytest.mark.clause("R 4.3.1")
async def test_the_curators_class_of_an_absence_counts(world: World) -> None:
    await teach(world)
    await world.logs.say(
        "gradebook",
        "absence/s3",
        g.AbsenceClassified(
            student="s3", starts_on=date(2025, 9, 1), ends_on=date(2025, 9, 5), reason_class="unexcused"
        ),
        g.AbsenceClassified(student="s3", starts_on=date(2025, 9, 2), ends_on=date(2025, 9, 3), reason_class="ill"),
    )
    maths = await world.maths("s3")
    assert (maths["hours"]["ill"], maths["hours"]["unexcused"]) == (2, 0)
    assert maths["lessons"][0]["absence"]["class"] == "ill"


async def test_lessons_before_joining_and_of_another_subgroup_are_not_his(world: World) -> None:
    await world.logs.page(
        "m",
        g.StudentJoined(student="s4", on=date(2025, 9, 3)),
        g.SubgroupsSet(subgroups={"1": ("s1", "s4"), "2": ("s2", "s3")}),
        g.TeacherAssigned(assignment="a-2", teacher="t2", subgroup="2", responsible=False, starts_on=START),
        lesson("l1", "m", date(2025, 9, 2), 1),
        lesson("l2", "m", date(2025, 9, 4), 2),
        lesson("l3", "m", date(2025, 9, 4), 3, assignment="a-2", taught_by="t2"),
        actor="system:keeper",
    )
    await world.logs.say("identity", "all", enrolled("s4", "g1"))
    assert [x["lesson"] for x in (await world.maths("s4"))["lessons"]] == ["l2"]
    assert (await world.maths("s4"))["teachers"] == ["t1"]
    assert [x["lesson"] for x in (await world.maths("s2"))["lessons"]] == ["l1", "l2", "l3"]
    assert (await world.maths("s2"))["teachers"] == ["t1", "t2"]


async def test_carried_grades_and_finals_of_periods_are_shown_and_counted(world: World) -> None:
    carried = g.CarriedGrade(grade="k1", date=date(2025, 9, 1), value="3", work="oral", weight=100)
    await world.logs.page(
        "m",
        g.GradesCarriedOver(student="s1", source_page="old", source_position=7, grades=(carried,)),
        g.FinalsTaken(finals=(g.TakenFinal(student="s1", page="h1", event="e1", value="5"),)),
        actor="system:keeper",
    )
    maths = await world.maths()
    assert maths["mean"] == 400
    assert maths["carried"][0]["source_page"] == "old"
    assert maths["taken"] == [{"page": "h1", "value": "5"}]


async def test_year_and_period_narrow_the_disciplines_and_not_the_list_of_years(world: World) -> None:
    await world.logs.page(
        "old",
        g.PageOpened(
            page="old", group="g0", discipline="dm", period="p0", year="y0", kind="semester",
            starts_on=date(2024, 9, 2), ends_on=date(2024, 12, 28),
        ),
        g.StudentJoined(student="s1", on=date(2024, 9, 2)),
        lesson("l0", "old", date(2024, 9, 3)),
        grade("g0", "l0", "s1", "3"),
        actor="system:keeper",
    )  # fmt: skip
    await teach(world)
    assert [d["page"] for d in (await world.card())["disciplines"]] == ["old", "l", "m"]
    narrow = await world.card(year="y0")
    assert [(d["page"], len(d["lessons"])) for d in narrow["disciplines"]] == [("old", 1)]
    assert [y["year"] for y in narrow["years"]] == ["y0", "y"]
    assert [d["page"] for d in (await world.card(period="p"))["disciplines"]] == ["l", "m"]
    assert (await world.card(year="nothing"))["disciplines"] == []


async def test_the_card_as_csv(world: World) -> None:
    await teach(world)
    await world.logs.page("m", g.LessonAmended(lesson="l1", hours=2, kind="lecture", topic='=1+1;"x"'))
    await world.projector.catch_up()
    answer = await world.client.get("s1", "/students/me/card", format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert [r["Отметки"] for r in rows] == ["5", "4", "5/2"]
    assert rows[1]["Тема"] == '\'=1+1;"x"'
    assert rows[2]["Дата"] == "04.09.2025"
    assert rows[2]["Средневзвешенный балл"] == "4,67"


# -- who reads ----------------------------------------------------------------------------------------------------

READERS = {
    "s1": 200, "p1": 200, "c1": 200, "d1": 200, "au": 200,
    "s2": 404, "x1": 404, "q1": 404, "c2": 404, "o1": 404, "t1": 404, "t2": 404, "ja": 404, "nobody": 404,
}  # fmt: skip


@pytest.mark.clause("R 3.6", "R 4.4.1")
@pytest.mark.parametrize("person", READERS)
async def test_who_reads_the_card_of_s1(world: World, person: str) -> None:
    answer = await world.client.get(person, "/students/s1/card")
    assert answer.status_code == READERS[person]


async def test_a_foreign_card_answers_like_a_missing_one(world: World) -> None:
    foreign = await world.client.get("p1", "/students/s2/card")
    missing = await world.client.get("p1", "/students/no-such/card")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content
    assert (await world.client.get("d1", "/students/no-such/card")).status_code == 404


@pytest.mark.clause("R 2.4")
async def test_a_graduate_still_reads_his_own_card(world: World) -> None:
    await world.logs.say(
        "identity",
        "all",
        i.StudentStatusChanged(student="s1", enrolment="e-s1", group="g1", status="graduated", on=date(2025, 9, 1)),
        i.RoleRevoked(grant="s1-student-", person="s1"),
    )
    assert (await world.get("s1", "/students/me/card"))["status"] == "graduated"
    assert (await world.client.get("c1", "/students/s1/card")).status_code == 404


async def test_who_is_no_student_has_no_card(world: World) -> None:
    for person in ("t1", "p1", "d1"):
        assert (await world.client.get(person, "/students/me/card")).status_code == 404


@pytest.mark.clause("R 3.6")
async def test_a_link_that_ended_gives_nothing(world: World) -> None:
    await world.logs.say("identity", "all", i.GuardianUnlinked(link="p1-s1", guardian="p1", student="s1"))
    assert (await world.client.get("p1", "/students/s1/card")).status_code == 404


async def test_a_role_that_ended_yesterday_gives_nothing_today(world: World) -> None:
    world.logs.clock.set(datetime(2025, 12, 31, 3, tzinfo=UTC))
    assert (await world.client.get("au", "/students/s1/card")).status_code == 200
    world.logs.clock.set(datetime(2025, 12, 31, 18, tzinfo=UTC))
    assert (await world.client.get("au", "/students/s1/card")).status_code == 404


async def test_reads_of_staff_are_noted_and_own_reads_are_not(world: World) -> None:
    for person in ("s1", "p1", "c1", "t1"):
        await world.client.get(person, "/students/s1/card")
    await world.client.get("d1", "/groups/g1/summary")
    await world.reads.flush()
    assert [(r.reader, r.subject) for r in world.noted] == [("c1", "s1")]
    await world.projector.catch_up()
    await world.client.get("d1", "/groups/g1/summary")
    await world.reads.flush()
    assert [(r.reader, r.subject) for r in world.noted[1:]] == [("d1", "s1"), ("d1", "s2"), ("d1", "s3")]


GROUP_READERS = {"c1": 200, "d1": 200, "au": 200, "c2": 404, "o1": 404, "s1": 403, "p1": 403, "t1": 403, "ja": 403}


@pytest.mark.parametrize("person", GROUP_READERS)
async def test_who_reads_the_summary_of_g1(world: World, person: str) -> None:
    await world.projector.catch_up()
    assert (await world.client.get(person, "/groups/g1/summary")).status_code == GROUP_READERS[person]


@pytest.mark.clause("R 3.5")
@pytest.mark.parametrize(("person", "status"), [("ja", 200), ("c1", 200), ("t1", 403), ("c2", 404), ("s1", 403)])
async def test_who_reads_the_gaps_of_g1(world: World, person: str, status: int) -> None:
    assert (await world.client.get(person, "/groups/g1/gaps")).status_code == status


# -- the group ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("R 7.1")
async def test_the_summary_of_a_group(world: World) -> None:
    await teach(world)
    await world.logs.page(
        "m",
        g.FinalGradeSet(student="s1", value="5", basis=g.Basis()),
        g.FinalGradeSet(student="s2", value="3", basis=g.Basis()),
    )
    await world.logs.page("l", g.FinalGradeSet(student="s1", value="4", basis=g.Basis()), actor="t2")
    found = await world.get("c1", "/groups/g1/summary")
    assert found["period"]["title"] == "1 полугодие"
    labs, maths = found["pages"]
    assert (maths["success"], maths["quality"], maths["learning"], maths["average"]) == (10000, 5000, 6800, 400)
    assert (maths["students"], maths["without_final"], maths["held"]) == (3, 1, 4)
    assert maths["attendance"] == 7500  # 12 student-hours, 3 missed
    assert labs["without_final"] == 2
    first = found["students"][0]
    assert first["student"] == "s1"
    assert first["average"] == 450
    assert first["cells"]["m"] == {
        "mean": 467, "grades": 3, "counted": 2, "debts": 0, "final": "5", "missed": 1, "held": 4
    }  # fmt: skip
    assert found["indicators"]["students"] == 2
    assert found["indicators"]["quality"] == 5000
    assert found["formulas"]["learning"]["text"].startswith("(100·n5")
    table = await world.client.get("c1", "/groups/g1/summary", format="csv")
    lines = table.content.decode("utf-8-sig").splitlines()
    assert lines[1].startswith("s1;5,00;4;4,67;5;4,50;6;1;")
    assert len(lines) == 1 + 3 + 5


async def test_a_group_without_pages_or_such_a_period_is_not_found(world: World) -> None:
    await world.projector.catch_up()
    assert (await world.client.get("d1", "/groups/g2/summary")).status_code == 404
    assert (await world.client.get("d1", "/groups/g1/summary", period="none")).status_code == 404


@pytest.mark.clause("R 4.3.2", "R 8.4")
async def test_the_gaps_of_a_group(world: World) -> None:
    planned: Any = {
        "timetable": "tt", "group": "g1", "period": "p", "kind": "lecture", "pair": 1, "discipline": "dm",
        "assignment": "a-m", "teacher": "t1",
    }  # fmt: skip
    await world.logs.say(
        "schedule",
        "timetable/y",
        *(
            s.LessonPlanned(lesson=f"l{n}", date=date(2025, 9, n + 1), **planned)
            for n in range(1, 7)
        ),
        s.LessonCancelled(lesson="l4", group="g1", date=date(2025, 9, 5), pair=1, reason="illness"),
        s.LessonMoved(
            lesson="l5", group="g1", from_date=date(2025, 9, 6), from_pair=1, date=date(2025, 9, 29), pair=1,
            reason="room",
        ),
        s.LessonSubstituted(
            lesson="l6", group="g1", discipline="dm", period="p", assignment="a-m", date=date(2025, 9, 7), pair=1,
            teacher="t2", instead_of="t1", reason="illness",
        ),
    )  # fmt: skip
    await world.logs.page("m", lesson("l1", "m", date(2025, 9, 2)), lesson("l2", "m", date(2025, 9, 3), topic=""))
    world.logs.clock.set(datetime(2025, 9, 20, 3, tzinfo=UTC))
    found = await world.get("c1", "/groups/g1/gaps")
    assert [(x["gap"], x["lesson"], x["teacher"]) for x in found["items"]] == [
        ("no_attendance", "l1", "t1"),
        ("no_attendance", "l2", "t1"),
        ("no_topic", "l2", "t1"),
        ("not_held", "l3", "t1"),
        ("not_held", "l6", "t2"),
    ]
    assert found["total"] == 5
    page = await world.get("c1", "/groups/g1/gaps", limit=2, offset=3)
    assert [x["lesson"] for x in page["items"]] == ["l3", "l6"]
    assert [x["lesson"] for x in (await world.get("c1", "/groups/g1/gaps", teacher="t2"))["items"]] == ["l6"]
    world.logs.clock.set(datetime(2026, 1, 10, 3, tzinfo=UTC))
    finals = await world.get("c1", "/groups/g1/gaps", gap="no_final")
    assert [(x["page"], x["missing"], x["teacher"]) for x in finals["items"]] == [("l", 3, "t2"), ("m", 3, "t1")]
    table = await world.client.get("c1", "/groups/g1/gaps", format="csv")
    assert "занятие не записано" in table.content.decode("utf-8-sig")


# -- bad input, positions, the view -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/students/s1/card", {"min_position": "gradebook"}),
        ("/students/s1/card", {"min_position": "gradebook:-1"}),
        ("/students/s1/card", {"format": "xml"}),
        ("/students/" + "s" * 65 + "/card", {}),
        ("/groups/g1/gaps", {"limit": 0}),
        ("/groups/g1/gaps", {"gap": "else"}),
    ],
)
async def test_malformed_requests_are_problems(world: World, path: str, params: dict[str, Any]) -> None:
    answer = await world.client.get("d1", path, **params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_sql_in_an_id_is_only_a_strange_id(world: World) -> None:
    assert (await world.client.get("d1", "/students/s1'; drop table card.page; --/card")).status_code == 404


async def test_an_answer_shows_the_position_that_was_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.projector.REACHED_LIMIT_SECONDS", 0.1)
    position = await world.logs.page("m", lesson("l1", "m", date(2025, 9, 2)), grade("g1", "l1", "s1", "4"))
    behind = await world.client.get("s1", "/students/me/card", min_position=f"gradebook:{position}")
    assert behind.status_code == 503
    assert behind.json()["code"] == "behind"
    await world.projector.catch_up()
    shown = await world.client.get("s1", "/students/me/card", min_position=f"gradebook:{position}")
    assert shown.status_code == 200
    assert shown.json()["positions"]["gradebook"] == position


async def test_an_answer_tells_its_position_where_another_process_keeps_the_view(world: World) -> None:
    position = await world.logs.page("m", lesson("l1", "m", date(2025, 9, 2)), grade("g1", "l1", "s1", "4"))
    await rebuild(VIEWS[0], world.logs.logs, world.owner_dsn)
    for path in ("/students/s1/card", "/groups/g1/summary"):
        shown = await world.client.get("d1", path)
        assert shown.status_code == 200, shown.text
        assert shown.json()["positions"]["gradebook"] == position


async def test_the_view_is_the_fold_of_its_logs(world: World) -> None:
    await teach(world)
    await world.projector.catch_up()
    assert await verify(VIEWS[0], world.logs.logs, world.owner_dsn) is None
