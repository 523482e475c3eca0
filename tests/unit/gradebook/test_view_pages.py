"""The view of pages: what the list shows is a fold of the page's events."""

from datetime import UTC, date, datetime
from typing import Any

from contracts.events import gradebook as e
from services.gradebook import commands as c
from services.gradebook.views.pages import VIEW
from services.kit.log.eventlog import Recorded
from services.kit.view import Fold
from tests.common.gradebook import ANNA, BECAUSE, BORIS, DEADLINE, DEPUTY, MAIN, PAGE, SECOND, TEACHER, VERA, Journal

AT = datetime(2025, 9, 8, tzinfo=UTC)


def folded(journal: Journal) -> dict[str, Any]:
    fold = Fold(VIEW)
    for fact in journal.events:
        type_name, body = e.EVENTS.encode(fact.event)
        row = Recorded(fact.position, fact.id, f"page/{PAGE}", fact.revision, type_name, AT, body, fact.meta.text())
        fold.add("gradebook", [row])
    return fold.rows


def test_a_page_from_its_opening_to_its_close() -> None:
    journal = Journal(e.SubstituteAllowed(lesson="s", assignment=MAIN, teacher=SECOND, date=date(2025, 9, 9)))
    journal.graded("5", "5", "5")
    lesson = journal.lesson(date(2025, 9, 30))
    journal.do(c.MarkAttendance(lesson, ()))
    journal.on(DEADLINE).do(c.SetFinals((c.SetFinal(BORIS, "na"), c.SetFinal(VERA, "na")), accept=True))
    journal.do(c.WithdrawFinal(VERA, BECAUSE))
    journal.do(c.SignPage())
    journal.by(DEPUTY, "deputy_director").do(c.ClosePage(force=True, reason=BECAUSE))
    rows = folded(journal)
    page = rows["page"][(PAGE,)]
    assert (page["group_id"], page["closed"], page["signed_at"]) == ("group-1", True, AT)
    assert rows["teacher"][PAGE, MAIN, TEACHER]["removed_on"] is None
    assert rows["substitute"][PAGE, "s"]["teacher"] == SECOND
    assert len(rows["lesson"]) == 4
    assert rows["lesson"][PAGE, lesson] == {"day": date(2025, 9, 30), "hours": 2, "attendance": True}
    assert {key[1]: row["value"] for key, row in rows["final"].items()} == {ANNA: "5", BORIS: "na", VERA: None}


def test_absences_are_no_business_of_it() -> None:
    announced = e.AbsenceAnnounced(absence="a", student=ANNA, starts_on=AT.date(), ends_on=AT.date())
    type_name, body = e.EVENTS.encode(announced)
    fold = Fold(VIEW)
    fold.add("gradebook", [Recorded(1, "id", f"absence/{ANNA}", 0, type_name, AT, body, "{}")])
    assert not any(fold.rows.values())
