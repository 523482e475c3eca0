"""Every shared OneRoster set, imported with exactly these records and findings; the sets are dirty on purpose."""

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from services.importing.oneroster import read
from services.importing.roster import KINDS, Reading, Roster
from tests.unit.importing.helpers import counts, marks


@pytest.fixture
def sets(shared: Path) -> Path:
    """The folder of the sets."""
    return shared / "data" / "oneroster"


def accepted(reading: Reading) -> Roster:
    """The document of a set that is imported as it is."""
    roster = reading.accepted()
    assert roster is not None, [(f.where, f.text_en) for f in reading.errors]
    return roster


def roles(roster: Roster) -> set[tuple[str, str, str]]:
    """Who has which role on what ground, by sourcedId."""
    names = {p.id: p.external_id for p in roster.people}
    return {(names[r.person_id], r.role, r.basis) for r in roster.roles}


def links(roster: Roster) -> set[tuple[str, str]]:
    """Guardian and student, by sourcedId."""
    names = {p.id: p.external_id for p in roster.people}
    return {(names[g.guardian_id], names[g.student_id]) for g in roster.guardians}


def deleted(roster: Roster) -> set[tuple[str, str]]:
    """Kind and sourcedId of what the set deletes."""
    return {(r.kind, r.external_id) for r in roster.deleted}


V1P1_FULL = [
    "users.csv:1 passwords_left",
    "orgs.csv:2 parent_unknown",
    "academicSessions.csv:3 parent_unknown",
    "academicSessions.csv:6 parent_unknown",
    "academicSessions.csv:4 parent_kind",
    "academicSessions.csv:5 year_under_period",
    "classes.csv:2 discipline_from_class",
    "enrollments.csv:2 outside_period",
    "enrollments.csv:3 outside_period",
    "enrollments.csv:3 role_differs",
    "enrollments.csv:4 outside_period",
    "enrollments.csv:5 refers_to_deleted",
    "enrollments.csv:6 refers_to_deleted",
    "enrollments.csv:7 refers_to_deleted",
    "users.csv:3 agent_not_guardian",
    "users.csv:5 agent_not_guardian",
    "users.csv:6 agent_not_guardian",
    "users.csv:7 agent_not_guardian",
]

V1P1_MINIMAL = [
    "users.csv:1 passwords_left",
    "classes.csv:2 discipline_from_class",
    "classes.csv:3 discipline_from_class",
    "enrollments.csv:3 role_differs",
    "enrollments.csv:6 role_differs",
]

V1P2_FULL = [
    "userprofiles.csv:0 file_not_taken",
    "userprofiles.csv:1 file_other_header",
    "users.csv:1 column_alias",
    "users.csv:1 column_alias",
    "users.csv:1 column_alias",
    "users.csv:1 passwords_left",
    "roles.csv:1 column_alias",
    "roles.csv:1 column_unnamed",
    "orgs.csv:2 parent_unknown",
    "academicSessions.csv:3 parent_unknown",
    "academicSessions.csv:6 parent_unknown",
    "academicSessions.csv:4 parent_kind",
    "academicSessions.csv:5 year_under_period",
    "classes.csv:2 discipline_from_class",
    "roles.csv:4 role_not_taken",
    "enrollments.csv:2 outside_period",
    "enrollments.csv:3 outside_period",
    "enrollments.csv:3 role_differs",
    "enrollments.csv:4 outside_period",
    "enrollments.csv:5 refers_to_deleted",
    "enrollments.csv:6 refers_to_deleted",
    "enrollments.csv:7 refers_to_deleted",
    "users.csv:4 agent_not_guardian",
    "users.csv:7 agent_not_guardian",
]

V1P2_SINGLE = [
    "userProfiles.csv:0 file_not_taken",
    "users.csv:1 passwords_left",
    ":0 source_guessed",
]

STEP0 = [
    "users.csv:1 passwords_left",
    "enrollments.csv:1 column_unnamed",
    ":0 no_manifest",
    "academicSessions.csv:2 year_by_number",
    "academicSessions.csv:3 year_by_number",
    "academicSessions.csv:4 year_by_number",
    "courses.csv:2 year_by_number",
    "courses.csv:3 year_by_number",
    "courses.csv:4 year_by_number",
    "courses.csv:5 year_by_number",
    "classes.csv:2 term_unknown",
    "classes.csv:2 year_assumed",
    "classes.csv:2 org_unknown",
    "classes.csv:3 term_unknown",
    "classes.csv:3 year_assumed",
    "classes.csv:3 org_unknown",
    "classes.csv:4 term_unknown",
    "classes.csv:4 year_assumed",
    "users.csv:2 org_unknown",
    "users.csv:3 org_unknown",
    "users.csv:4 org_unknown",
    "classes.csv:0 no_teacher",
]

MOCKROSTER = [
    ":0 layout",
    "Courses.csv:1 column_unknown",
    "users.csv:1 column_unknown",
    "users.csv:1 passwords_left",
    "Enrollments_out.csv:1 column_unknown",
    "Enrollments_out.csv:1 column_alias",
    "Enrollments_out.csv:1 column_derived",
    ":0 no_manifest",
    ":0 source_guessed",
    "Classes.csv:2 term_from_dates",
    "Classes.csv:4 term_from_dates",
    "users.csv:205 bad_email",
    "Enrollments_out.csv:3740 several_responsible",
    "Enrollments_out.csv:3741 several_responsible",
    "Enrollments_out.csv:3910 several_responsible",
    "Enrollments_out.csv:1041 several_responsible",
    "Enrollments_out.csv:706 several_responsible",
    "Enrollments_out.csv:3941 several_responsible",
    "Enrollments_out.csv:3942 several_responsible",
    "Enrollments_out.csv:1115 several_responsible",
    "Enrollments_out.csv:3944 several_responsible",
    "Enrollments_out.csv:1047 several_responsible",
    "Enrollments_out.csv:1118 several_responsible",
    "Enrollments_out.csv:713 several_responsible",
    "Enrollments_out.csv:1120 several_responsible",
    "Enrollments_out.csv:827 several_responsible",
    "Classes.csv:0 no_teacher",
]


JOHN, MARY, THOMAS = "usr-222-123456", "usr-222-66778899", "usr-222-1234561"
JIM, MICHEL, ANNA = "usr-222-987654", "usr-222-1234561232", "usr-222-567891"
BY_ENROLMENT = {(JIM, "student", "enrolment")}
ROLES_1_1 = BY_ENROLMENT | {
    (JOHN, "teacher", "declared"),
    (MARY, "student", "declared"),
    (THOMAS, "guardian", "declared"),
    (JIM, "teacher", "declared"),
    (MICHEL, "student", "declared"),
    (ANNA, "student", "declared"),
}


def test_v1p1_full(sets: Path) -> None:
    reading = read(sets / "moodle-enrol_oneroster" / "v1p1_full")
    assert marks(reading) == V1P1_FULL
    roster = accepted(reading)
    assert roster.source == "org-sch-222-456"
    assert counts(roster) == [1, 1, 4, 1, 1, 1, 6, 7, 1, 2]
    assert roles(roster) == ROLES_1_1
    assert links(roster) == {(THOMAS, MARY)}, "the file writes the child at the parent"
    assert deleted(roster) == {
        ("periods", "as-grp-222-23456"),
        ("groups", "cls-222-123478"),
        ("teaching", "enr-t-222-12345-123232"),
        ("enrolments", "enr-s-222-12345-987532"),
        ("enrolments", "enr-s-222-12345-985321"),
    }
    (year,) = roster.years
    assert (year.title, year.starts_on, year.ends_on) == ("2022/2023", date(2022, 9, 1), date(2022, 12, 24))
    by_id = {p.external_id: p for p in roster.periods}
    assert by_id["as-grp-222-2345"].parent_id == by_id["as-trm-222-1234"].id
    assert not by_id["as-grp-222-2345"].active
    assert by_id["as-grp-222-3456"].parent_id is None
    (group,) = roster.groups
    assert (group.name, group.code, group.room) == ("Introduction to Physics", "Phys 100 - 1", "Room 2-B")
    assert roster.disciplines[0].derived
    (teaching,) = roster.teaching
    assert teaching.responsible
    assert teaching.period_ids == (by_id["as-trm-222-1234"].id,)
    assert {(e.starts_on, e.ends_on) for e in roster.enrolments} == {(date(2022, 3, 15), date(2022, 6, 15))}
    assert "Password1-" not in reading.model_dump_json()


def test_v1p1_minimal(sets: Path) -> None:
    reading = read(sets / "moodle-enrol_oneroster" / "v1p1_minimal")
    assert marks(reading) == V1P1_MINIMAL
    roster = accepted(reading)
    assert roster.source == "org-sch-222-456"
    assert counts(roster) == [1, 1, 5, 2, 2, 2, 6, 7, 0, 4]
    assert roles(roster) == ROLES_1_1
    assert deleted(roster) == set()
    assert {e.starts_on for e in roster.enrolments} == {date(2022, 9, 1)}, "undated: from the start of the periods"
    assert sorted(len(t.period_ids) for t in roster.teaching) == [1, 2], "one class runs over two terms"
    assert "Password1-" not in reading.model_dump_json()


def test_v1p2_full(sets: Path) -> None:
    reading = read(sets / "moodle-enrol_oneroster" / "v1p2_full")
    assert marks(reading) == V1P2_FULL
    roster = accepted(reading)
    assert counts(roster) == [1, 1, 4, 1, 1, 1, 6, 7, 3, 2]
    assert roles(roster) == BY_ENROLMENT | {
        (JOHN, "teacher", "declared"),
        (JOHN, "guardian", "declared"),
        (MARY, "student", "declared"),
        (JIM, "teacher", "declared"),
        (MICHEL, "student", "declared"),
        (ANNA, "student", "declared"),
    }
    declared = [r for r in roster.roles if r.basis == "declared"]
    assert {(r.starts_on, r.ends_on) for r in declared} == {(date(2024, 3, 6), date(2025, 9, 23))}
    assert links(roster) == {(JOHN, MARY), (JOHN, MICHEL), (JOHN, JIM)}
    assert "Password1-" not in reading.model_dump_json()


def test_v1p1_and_v1p2_name_the_same_people_alike(sets: Path) -> None:
    old, new = (accepted(read(sets / "moodle-enrol_oneroster" / name)) for name in ("v1p1_full", "v1p2_full"))
    for kind in ("people", "groups", "teaching", "enrolments", "periods", "years", "disciplines"):
        assert {r.id for r in old.records(kind)} == {r.id for r in new.records(kind)}, kind


def test_v1p2_single(sets: Path) -> None:
    reading = read(sets / "moodle-enrol_oneroster" / "v1p2_single")
    assert marks(reading) == V1P2_SINGLE
    roster = accepted(reading)
    assert roster.source == "ORG_1"
    assert counts(roster) == [1, 1, 1, 1, 1, 0, 1, 1, 0, 1]
    assert set(roster.scope.values()) == {"delta"}
    assert roster.outside == ()
    (person,) = roster.people
    assert (person.family_name, person.given_name, person.birth_date) == ("Wayne", "Bruce", date(2010, 4, 17))
    assert roster.years[0].title == "2023/2024"
    assert not roster.disciplines[0].derived
    assert "Batman.Ru1ez" not in reading.model_dump_json()


def test_step0(sets: Path) -> None:
    reading = read(sets / "oneroster-net-deltas" / "Step0-Initial")
    assert marks(reading) == STEP0
    roster = accepted(reading)
    assert roster.source == "Summit"
    assert counts(roster) == [3, 1, 4, 4, 3, 0, 4, 4, 0, 3]
    assert deleted(roster) == {("groups", "3221347")}
    (year,) = roster.years
    assert (year.title, year.starts_on, year.ends_on) == ("2018/2019", date(2018, 8, 27), date(2019, 5, 31))
    whole = next(p for p in roster.periods if p.derived)
    assert whole.kind == "year"
    assert {g.period_ids for g in roster.groups} == {(whole.id,)}
    assert {p.external_id for p in roster.people if not p.enabled} == {"14058"}
    assert "secret1" not in reading.model_dump_json()


STEPS = ("Step0-Initial", "Step1-UpdateCourse", "Step2-AddCourse", "Step3-DeleteCourse", "Step4-AddClass")


def changes(old: Roster, new: Roster) -> set[str]:
    """What differs between two exports: `+`, `-` or `~`, kind and sourcedId. Where a record stands does not count."""
    found = set()
    for kind in KINDS:
        before, after = (
            {r.external_id: r.model_copy(update={"where": ""}) for r in x.records(kind)} for x in (old, new)
        )
        found |= {f"+{kind} {i}" for i in after.keys() - before.keys()}
        found |= {f"-{kind} {i}" for i in before.keys() - after.keys()}
        found |= {f"~{kind} {i}" for i in before.keys() & after.keys() if before[i] != after[i]}
    return found


def test_steps_are_one_source_and_differ_only_in_what_changed(sets: Path) -> None:
    steps = [accepted(read(sets / "oneroster-net-deltas" / name)) for name in STEPS]
    assert {s.source for s in steps} == {"Summit"}
    assert [changes(old, new) for old, new in pairwise(steps)] == [
        {"+disciplines 10009"},
        {"~disciplines 10009"},
        {"-disciplines 10009"},
        {"+groups 3221847"},
    ]
    assert [[d.active for d in s.disciplines if d.external_id == "10009"] for s in steps] == [
        [],
        [False],
        [True],
        [],
        [],
    ]


def test_steps_keep_the_findings_of_the_first(sets: Path) -> None:
    found = [marks(read(sets / "oneroster-net-deltas" / name)) for name in STEPS]
    course = ["courses.csv:6 year_by_number"]
    added = ["classes.csv:6 term_unknown", "classes.csv:6 year_assumed"]
    more = [[m for m in step if m not in STEP0] for step in found]
    assert more == [[], course, course, [], added]
    assert all(set(STEP0) <= set(step) for step in found)


def test_mockroster(sets: Path) -> None:
    reading = read(sets / "mockroster")
    assert marks(reading) == MOCKROSTER
    roster = accepted(reading)
    assert roster.source == "mockroster"
    assert counts(roster) == [2, 1, 2, 42, 84, 112, 300, 300, 0, 4088]
    assert roster.deleted == roster.outside == ()
    assert [(p.title, p.starts_on, p.ends_on) for p in roster.periods] == [
        ("Fall", date(2018, 9, 1), date(2019, 1, 1)),
        ("Spring", date(2019, 1, 15), date(2019, 6, 30)),
    ]
    assert roster.years[0].title == "2018/2019"
    assert sum(r.role == "teacher" for r in roster.roles) == 8
    assert sum(t.responsible for t in roster.teaching) == 14, "14 classes have 8 teachers each, 70 have none"
    assert len({t.group_id for t in roster.teaching}) == 14
    groups, people = {g.id for g in roster.groups}, {p.id for p in roster.people}
    assert all(e.group_id in groups and e.person_id in people for e in roster.enrolments)
    assert all(e.starts_on and e.ends_on for e in roster.enrolments)
    assert '"secret"' not in reading.model_dump_json()


def test_every_set_read_twice_gives_the_same_document(sets: Path) -> None:
    folders = [p for p in sets.rglob("*") if p.is_dir() and any(p.glob("*.csv"))]
    assert len(folders) == 10
    for folder in folders:
        first, second = read(folder), read(folder)
        assert first == second
        roster = accepted(first)
        assert Roster.model_validate_json(roster.model_dump_json()) == roster
        ids = [r.id for kind in KINDS for r in roster.records(kind)]
        assert len(ids) == len(set(ids))
