"""How each case of the oracle is asked: what fills the path, the query, the body and the conditional headers.

Bodies are valid, and as harmless as they can be: where a change would disturb the cases after it, it is one that a rule
refuses after the right to it was judged. A text `{name}` stands for an object of the world.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from contracts.ids import derived
from services.kit.http import METHODS
from tests.matrix.world import BEFORE, EMPTY, LONG_AGO, MARK, TODAY, TOMORROW, YESTERDAY

NOTHING: Mapping[str, str] = MappingProxyType({})
LONG_PAST = "2001-01-01"
STALE = {"if-match": '"stale"'}
BECAUSE = {"code": "other"}


class Ask(NamedTuple):
    """fill: {placeholder of the path: object}, where they differ in name. query, body, headers as they are sent."""

    fill: Mapping[str, str] = NOTHING
    query: Mapping[str, str] = NOTHING
    body: Any = None
    headers: Mapping[str, str] = NOTHING
    session: str = ""


class Missing(Mapping[str, str]):
    """Objects that are not there, in place of all those that are."""

    def __getitem__(self, name: str) -> str:
        return derived("missing", name)

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


def filled(value: Any, objects: Mapping[str, str]) -> Any:
    """`value` with every `{name}` in it replaced."""
    if isinstance(value, str):
        return value.format_map(objects) if "{" in value else value
    if isinstance(value, Mapping):
        return {filled(k, objects): filled(v, objects) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(item, objects) for item in value]
    return value


def path_of(template: str, ask: Ask, objects: Mapping[str, str]) -> str:
    """The path of a route with its placeholders filled."""
    for placeholder, name in ask.fill.items():
        template = template.replace("{" + placeholder + "}", "{" + name + "}")
    return template.format_map(objects)


def depends(template: str, ask: Ask) -> bool:
    """Whether the question names any object."""
    return "{" in f"{template}{_texts(dict(ask.query))}{_texts(ask.body)}"


def _texts(body: Any) -> str:
    if isinstance(body, dict):
        return "".join(map(_texts, body.values()))
    if isinstance(body, list):
        return "".join(map(_texts, body))
    return body if isinstance(body, str) else ""


def _lesson(assignment: str, kind: str = "lecture", pair: int = 7) -> dict[str, Any]:
    return {
        "assignment": f"{{{assignment}}}",
        "date": TODAY.isoformat(),
        "pair": pair,
        "kind": kind,
        "topic": "Тема",
    }


def _cells(lesson: str) -> dict[str, Any]:
    return {"items": [{"lesson": f"{{{lesson}}}", "student": "{spare}", "expected": None, **MARK}]}


def _tag(name: str) -> dict[str, str]:
    return {"if-match": f'"{{{name}}}"'}


CLOSED = {"page": "closed_page", "lesson": "closed_lesson", "student": "adult"}
FINALS = {"page": "finals_page", "lesson": "finals_lesson"}
IN_PERIOD = {"starts_on": LONG_AGO.isoformat(), "ends_on": "2025-12-26"}
ROSTER = {"format": "x"}

GRADEBOOK: dict[tuple[str, str], Ask] = {
    ("GET /pages/{page}", "page A as it was"): Ask(query={"as_of": "{as_of}"}),
    ("GET /pages/{page}", "the page of group A that is closed (teacher.own taught it alone)"): Ask(CLOSED),
    ("GET /pages/{page}/commands/{key}", ""): Ask({"key": "lesson"}),
    ("PUT /pages/{page}/lessons/{lesson}", "of the main assignment"): Ask(
        {"lesson": "new_lesson"}, body=_lesson("assignment")
    ),
    ("PUT /pages/{page}/lessons/{lesson}", "of the practice"): Ask(
        {"lesson": "new_practice"}, body=_lesson("practice_assignment", "practice")
    ),
    ("PUT /pages/{page}/lessons/{lesson}", "that is substituted today"): Ask(
        {"lesson": "substituted_too"}, body=_lesson("assignment", pair=4)
    ),
    ("PUT /pages/{page}/lessons/{lesson}", "on the closed page"): Ask(
        {**CLOSED, "lesson": "new_lesson"}, body=_lesson("closed_assignment")
    ),
    ("PATCH /pages/{page}/lessons/{lesson}", "of the main assignment"): Ask(
        body={"topic": "Тема, исправлено"}, headers=_tag("lesson_tag")
    ),
    ("PATCH /pages/{page}/lessons/{lesson}", "of the practice"): Ask(
        {"lesson": "practice"}, body={"topic": "Тема, исправлено"}, headers=_tag("practice_tag")
    ),
    ("PATCH /pages/{page}/lessons/{lesson}", "past the entry limit"): Ask(
        {"lesson": "old_lesson"}, body={"topic": "Тема, исправлено"}, headers=_tag("old_lesson_tag")
    ),
    ("PATCH /pages/{page}/lessons/{lesson}", "on the closed page"): Ask(
        CLOSED, body={"topic": "Тема, исправлено"}, headers=_tag("closed_lesson_tag")
    ),
    ("PUT /pages/{page}/lessons/{lesson}/homework", "of the main assignment"): Ask(
        body={"text": "№ 1"}, headers=_tag("lesson_tag")
    ),
    ("PUT /pages/{page}/lessons/{lesson}/homework", "on the closed page"): Ask(
        CLOSED, body={"text": "№ 1"}, headers=_tag("closed_lesson_tag")
    ),
    ("PUT /pages/{page}/cells/{lesson}/{student}", "of the main assignment"): Ask(
        {"student": "adult"}, body=MARK, headers=EMPTY
    ),
    ("PUT /pages/{page}/cells/{lesson}/{student}", "of the practice"): Ask(
        {"lesson": "practice"}, body=MARK, headers=EMPTY
    ),
    ("PUT /pages/{page}/cells/{lesson}/{student}", "of the lesson substituted today"): Ask(
        {"lesson": "substituted"}, body=MARK, headers=EMPTY
    ),
    ("PUT /pages/{page}/cells/{lesson}/{student}", "of a lesson past the entry limit"): Ask(
        {"lesson": "old_lesson", "student": "adult"}, body=MARK, headers=EMPTY
    ),
    ("PUT /pages/{page}/cells/{lesson}/{student}", "of a student who has a final"): Ask(
        {**FINALS, "student": "neighbour"}, body=MARK, headers=EMPTY
    ),
    ("PUT /pages/{page}/cells/{lesson}/{student}", "on the closed page"): Ask(CLOSED, body=MARK, headers=EMPTY),
    ("POST /pages/{page}/cells", "of the main assignment"): Ask(body=_cells("lesson")),
    ("POST /pages/{page}/cells", "on the closed page"): Ask(CLOSED, body=_cells("closed_lesson")),
    ("PUT /pages/{page}/attendance/{lesson}", "of the main assignment"): Ask(body={"marks": []}, headers=EMPTY),
    ("PUT /pages/{page}/attendance/{lesson}", "of the lesson substituted today"): Ask(
        {"lesson": "substituted"}, body={"marks": []}, headers=EMPTY
    ),
    ("PUT /pages/{page}/attendance/{lesson}", "past the entry limit"): Ask(
        {"lesson": "old_lesson"}, body={"marks": []}, headers=EMPTY
    ),
    ("PUT /pages/{page}/attendance/{lesson}", "on the closed page"): Ask(CLOSED, body={"marks": []}, headers=EMPTY),
    ("POST /pages/{page}/undo", ""): Ask(body={}),
    ("PUT /pages/{page}/finals/{student}", "on the page whose finals are due"): Ask(
        {**FINALS, "student": "adult"}, body={"value": "na"}, headers=EMPTY
    ),
    ("PUT /pages/{page}/finals/{student}", "on the closed page"): Ask(CLOSED, body={"value": "na"}, headers=EMPTY),
    ("DELETE /pages/{page}/finals/{student}", "on the page whose finals are due"): Ask(
        FINALS, body={"reason": BECAUSE}, headers=_tag("final_tag")
    ),
    ("DELETE /pages/{page}/finals/{student}", "on the closed page"): Ask(
        CLOSED, body={"reason": BECAUSE}, headers=STALE
    ),
    ("POST /pages/{page}/finals", "on the page whose finals are due"): Ask(
        FINALS, body={"items": [{"student": "{spare}", "expected": None, "value": "na"}]}
    ),
    ("POST /pages/{page}/finals", "on the closed page"): Ask(
        CLOSED, body={"items": [{"student": "{spare}", "expected": None, "value": "na"}]}
    ),
    ("POST /pages/{page}/signature", "page A"): Ask(body={}),
    ("POST /pages/{page}/signature", "the closed page"): Ask(CLOSED, body={}),
    ("POST /pages/{page}/permissions", ""): Ask(body={"student": "{student}", "reason": BECAUSE}),
    ("POST /pages/{page}/unlocks", ""): Ask(
        body={"lesson": "{lesson}", "until": YESTERDAY.isoformat(), "reason": BECAUSE}
    ),
    ("POST /pages/{page}/entry-limit", ""): Ask(
        body={
            "starts_on": BEFORE.isoformat(),
            "ends_on": BEFORE.isoformat(),
            "until": YESTERDAY.isoformat(),
            "reason": BECAUSE,
        }
    ),
    ("PUT /pages/{page}/rules", ""): Ask(body={}),
    ("POST /pages/{page}/close", ""): Ask(body={}),
    ("POST /closings", ""): Ask(body={"period": "{finals_period}"}),
    ("POST /absences", "of student.own, who has a guardian"): Ask(
        body={"student": "{student}", "starts_on": TODAY.isoformat(), "ends_on": TOMORROW.isoformat()}
    ),
    ("POST /absences", "of student.adult, who has none"): Ask(
        body={"student": "{adult}", "starts_on": TODAY.isoformat(), "ends_on": TOMORROW.isoformat()}
    ),
    ("POST /absences/classes", ""): Ask(
        body={
            "student": "{student}",
            "starts_on": YESTERDAY.isoformat(),
            "ends_on": TODAY.isoformat(),
            "reason_class": "ill",
        }
    ),
    ("GET /absences", "of student.own"): Ask(query={"student": "{student}"}),
    ("GET /absences", "of group A"): Ask(query={"group": "{group}"}),
}

REPORTING: dict[tuple[str, str], Ask] = {}

NOTIFICATIONS: dict[tuple[str, str], Ask] = {
    ("POST /inbox/read", ""): Ask(body={"up_to": {"gradebook": 0}}),
}

OF_GROUP = Ask(query={"group": "{group}"})

SCHEDULE: dict[tuple[str, str], Ask] = {
    ("POST /imports", ""): Ask(query={"check": "true"}, body=ROSTER),
    ("POST /years", ""): Ask(body={"title": "2026/27", "starts_on": "2026-09-01", "ends_on": "2027-06-30"}),
    ("POST /rooms", ""): Ask(body={"title": "101", "capacity": 30}),
    ("PUT /bells", ""): Ask(
        body={"starts_on": "2025-09-01", "bells": [{"pair": 1, "starts": "08:00", "ends": "09:30"}]}
    ),
    ("POST /disciplines", ""): Ask(body={"code": "ОП.01", "title": "Предмет 1", "kind": "discipline"}),
    ("PUT /periods/{period}", ""): Ask(
        body={"year": "{year}", "group": "{group}", "title": "pa", "kind": "semester", **IN_PERIOD}
    ),
    ("GET /periods", "of group A"): OF_GROUP,
    ("POST /assignments", ""): Ask(
        body={
            "group": "{group}",
            "discipline": "{discipline_second}",
            "period": "{period}",
            "teacher": "{staff}",
            "responsible": True,
        }
    ),
    ("GET /assignments", "of group A"): OF_GROUP,
    ("POST /assignments/{assignment}/reassignment", ""): Ask(
        body={"teacher": "{teacher}", "on": TODAY.isoformat(), "reason": "other"}
    ),
    ("PUT /programmes/{group}/{discipline}/{period}", ""): Ask(
        {"discipline": "discipline_main"}, body={"topics": [{"title": "Тема 1", "hours": 2}]}
    ),
    ("GET /programmes", "of group A"): OF_GROUP,
    ("POST /timetables", ""): Ask(
        body={
            "group": "{group}",
            "period": "{period}",
            "slots": [{"weekday": 1, "pair": 1, "assignment": "{foreign_assignment}"}],
        }
    ),
    ("POST /lessons/{lesson}/substitution", ""): Ask(
        {"lesson": "substituted"}, body={"teacher": "{substitute_teacher}", "reason": "illness"}
    ),
    ("POST /lessons/{lesson}/move", ""): Ask(body={"date": LONG_PAST, "pair": 1, "reason": "other"}),
    ("POST /lessons/{lesson}/cancellation", ""): Ask(body={"reason": "other"}),
    ("GET /lessons", "of group A"): OF_GROUP,
    ("GET /lessons", "of student.own"): Ask(query={"student": "{student}"}),
    ("GET /lessons", "of teacher.own"): Ask(query={"teacher": "{teacher}"}),
    ("GET /lessons", "the caller's own"): Ask(query={"mine": "true"}),
}

A_STUDENT, A_GUARDIAN, A_TEACHER = Ask({"person": "student"}), Ask({"person": "guardian"}), Ask({"person": "teacher"})
NAMED = {"family_name": "Новый", "given_name": "Тест"}
SPLIT = {"1": ["{student}"], "2": ["{other_student}"]}

IDENTITY: dict[tuple[str, str], Ask] = {
    ("POST /sessions", ""): Ask(body={"login": "nobody"}),
    ("POST /tokens", ""): Ask(body={"service": "nobody"}),
    ("POST /reads", ""): Ask(body={"reads": []}),
    **{
        (f"{method} /exchange/{{path:path}}", ""): Ask({"path:path": "student"}, headers={"x-zhurnal": "1"})
        for method in METHODS
    },
    ("POST /activation", ""): Ask(body={"code": "AAAAA", "login": "nobody", "password": "много разных слов"}),
    ("POST /me/password", ""): Ask(body={"current": "nobody", "password": "nobody"}),
    ("DELETE /sessions/current", ""): Ask(session="current"),
    ("DELETE /sessions/{session}", "an own one"): Ask({"session": "own_session"}),
    ("DELETE /sessions/{session}", "somebody else's"): Ask({"session": "other_session"}),
    ("GET /people", ""): Ask(query={"limit": "500"}),
    ("GET /people/{person}", "student.own"): A_STUDENT,
    ("GET /people/{person}", "guardian.own"): A_GUARDIAN,
    ("GET /people/{person}", "teacher.own"): A_TEACHER,
    ("POST /names", ""): Ask(body={"ids": ["{student}", "{guardian}", "{teacher}", "{other_student}"]}),
    ("POST /people", "anybody"): Ask(body=NAMED),
    ("POST /people", "a guardian of student.own"): Ask(body={**NAMED, "guardian_of": "{student}"}),
    ("PATCH /people/{person}", "student.own"): Ask(A_STUDENT.fill, body={"phone": "+7"}, headers=STALE),
    ("PATCH /people/{person}", "guardian.own"): Ask(A_GUARDIAN.fill, body={"phone": "+7"}, headers=STALE),
    ("PATCH /people/{person}", "teacher.own"): Ask(A_TEACHER.fill, body={"phone": "+7"}, headers=STALE),
    ("POST /people/{person}/erasure", ""): A_STUDENT,
    ("POST /people/{person}/roles", ""): Ask({"person": "staff"}, body={"role": "auditor"}),
    ("DELETE /people/{person}/roles/{grant}", ""): Ask({"person": "student", "grant": "student_grant"}),
    ("POST /people/{student}/transfers", ""): Ask(
        body={"from_group": "{group}", "to_group": "{group}", "on": TODAY.isoformat()}
    ),
    ("POST /people/{student}/statuses", ""): Ask(
        body={"group": "{group}", "status": "academic_leave", "on": LONG_PAST}
    ),
    ("POST /people/{student}/guardians", "a guardian of the group"): Ask(body={"guardian": "{guardian}"}),
    ("POST /people/{student}/guardians", "somebody of whom the curator knows nothing"): Ask(
        body={"guardian": "{other_guardian}", "starts_on": LONG_PAST, "ends_on": LONG_PAST}
    ),
    ("PATCH /people/{student}/guardians/{link}", "by a document"): Ask(
        body={"basis": "document", "ends_on": LONG_PAST}
    ),
    ("PATCH /people/{student}/guardians/{link}", "by the student's consent"): Ask(
        body={"basis": "consent", "ends_on": LONG_PAST}
    ),
    ("DELETE /people/{student}/guardians/{link}", ""): Ask({"link": "spare_link"}),
    ("POST /people/{person}/codes", "student.own"): A_STUDENT,
    ("POST /people/{person}/codes", "guardian.own"): A_GUARDIAN,
    ("POST /people/{person}/codes", "teacher.own"): A_TEACHER,
    ("POST /people/{person}/codes", "student.foreign"): Ask({"person": "other_student"}),
    ("POST /people/{person}/disabling", ""): Ask({"person": "staff"}),
    ("POST /people/{person}/enabling", ""): Ask({"person": "staff"}),
    ("POST /groups", ""): Ask(body={"title": "В-11"}),
    ("PUT /groups/{group}", ""): Ask(body={"title": "А-11", "admission_year": 2025}),
    ("POST /groups/{group}/students", "a student of the group"): Ask(body={"student": "{student}"}),
    ("POST /groups/{group}/students", "a student of another group, whom only an office for both may reach"): Ask(
        body={"student": "{other_student}", "starts_on": "1980-01-01"}
    ),
    ("POST /groups/{group}/students", "somebody of the staff"): Ask(
        body={"student": "{staff}", "starts_on": "1980-01-01"}
    ),
    ("POST /groups/{group}/curators", ""): Ask(body={"person": "{next_curator}", "starts_on": TOMORROW.isoformat()}),
    ("POST /groups/{group}/subgroups", "as the curator"): Ask(
        body={"discipline": "{discipline_main}", "subgroups": SPLIT, "teacher": "{teacher}"}
    ),
    ("POST /groups/{group}/subgroups", "as a teacher"): Ask(
        body={"discipline": "{discipline_main}", "subgroups": SPLIT}
    ),
    ("POST /subgroups/{split}/agreement", ""): Ask(body={"starts_on": "1980-01-01"}),
    ("POST /imports", ""): Ask(query={"check": "true"}, body=ROSTER),
}

ASKS: dict[str, dict[tuple[str, str], Ask]] = {
    "identity": IDENTITY,
    "schedule": SCHEDULE,
    "gradebook": GRADEBOOK,
    "reporting": REPORTING,
    "notifications": NOTIFICATIONS,
}


def ask_of(service: str, route: str, title: str) -> Ask:
    """How the case is asked; a route that needs nothing but its path has no entry."""
    return ASKS[service].get((route, title), Ask())
