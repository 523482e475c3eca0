"""OneRoster sets with one fault each: what is refused, what is imported with a warning, and what is said of it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.importing.oneroster import read
from services.importing.roster import KINDS, Roster, record_id
from tests.unit.importing.helpers import (
    BULK,
    CLASSES,
    COURSES,
    ENROLLMENTS,
    GOOD,
    ORGS,
    SESSIONS,
    USERS,
    codes,
    counts,
    marks,
    write_set,
)

# A second academic year, so that a class without a session may be in either.
TWO_YEARS = "Z,Year,schoolYear,2026-09-01,2027-06-30,,2027\n"
STATUS_SESSIONS = (
    "sourcedId,status,title,type,startDate,endDate,parentSourcedId,schoolYear\n"
    "Y,,Year,schoolYear,2025-09-01,2026-06-30,,2026\n"
    "S1,,Semester 1,semester,2025-09-01,2025-12-31,Y,2026\n"
    "S2,tobedeleted,Semester 2,semester,,,,\n"
)


def accepted(folder: Path, source: str | None = None) -> Roster:
    roster = read(folder, source).accepted()
    assert roster is not None
    return roster


def test_a_clean_set_has_no_findings(tmp_path: Path) -> None:
    reading = read(write_set(tmp_path))
    assert reading.findings == ()
    roster = reading.accepted()
    assert roster is not None
    assert counts(roster) == [1, 1, 3, 1, 1, 1, 4, 4, 1, 2]
    assert roster.source == "O1"
    assert set(roster.scope.values()) == {"bulk"}
    assert roster.people[0].id == record_id("O1", "people", "T1")
    assert roster.people[0].where == "users.csv:2"
    (teaching,) = roster.teaching
    assert teaching.responsible
    assert teaching.period_ids == (record_id("O1", "periods", "S1"),)
    first, second = roster.enrolments
    assert (first.starts_on, first.ends_on) == (date(2025, 9, 1), None)
    assert (second.starts_on, second.ends_on) == (date(2025, 10, 1), date(2025, 11, 30))
    (link,) = roster.guardians
    assert link.student_id == record_id("O1", "people", "P1")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"users": USERS + "P1,true,O1,student,x,Test,Again,\n"}, ["users.csv:6 duplicate_id"]),
        ({"users": USERS + "P3,true,O1,student,x,,No-Name,\n"}, ["users.csv:6 missing_value"]),
        ({"users": USERS + ",true,O1,student,x,Test,No-Id,\n"}, ["users.csv:6 missing_value"]),
        ({"users": USERS + "P3,true,O1,,x,Test,No-Role,\n"}, ["users.csv:6 missing_value"]),
        ({"users": USERS + "P3,true,O1,wizard,x,Test,Odd-Role,\n"}, ["users.csv:6 bad_value"]),
        ({"users": USERS + "P3,perhaps,O1,student,x,Test,Odd-Flag,\n"}, ["users.csv:6 bad_flag"]),
        ({"users": USERS + "P3,true,O1,student,x,Te\x01st,Odd-Text,\n"}, ["users.csv:6 bad_text"]),
        ({"enrollments": ENROLLMENTS + "E4,K9,O1,P1,student,,,\n"}, ["enrollments.csv:5 dangling"]),
        ({"enrollments": ENROLLMENTS + "E4,K1,O1,P9,student,,,\n"}, ["enrollments.csv:5 dangling"]),
        (
            {"enrollments": ENROLLMENTS + "E4,K1,O1,P1,student,,2025-12-01,2025-11-01\n"},
            ["enrollments.csv:5 inverted_dates"],
        ),
        ({"enrollments": ENROLLMENTS + "E4,K1,O1,P1,student,,2025-02-30,\n"}, ["enrollments.csv:5 bad_date"]),
        ({"enrollments": ENROLLMENTS + "E4,K1,O1,P1,student,,1/05/2026,\n"}, ["enrollments.csv:5 ambiguous_date"]),
        ({"enrollments": ENROLLMENTS + "E4,K1,O1,P1,teacher,,,\n"}, ["enrollments.csv:5 teacher_not_staff"]),
        ({"enrollments": ENROLLMENTS + "E4,K1,O1,G1,teacher,,,\n"}, ["enrollments.csv:5 teacher_not_staff"]),
        ({"academicSessions": SESSIONS + "S3,Bad,term,2026-06-30,2026-01-01,Y,2026\n"}, None),
        (
            {"academicSessions": SESSIONS + "S3,Bad,term,2026-01-12,2026-06-30,Y,soon\n"},
            ["academicSessions.csv:5 bad_year"],
        ),
        (
            {
                "academicSessions": SESSIONS
                + "S3,Loop,term,2026-01-12,2026-06-30,S4,2026\nS4,Loop,gradingPeriod,2026-01-12,2026-06-30,S3,2026\n"
            },
            ["academicSessions.csv:5 cycle", "academicSessions.csv:6 cycle"],
        ),
        ({"orgs": ORGS + "O2,Odd,castle\n"}, ["orgs.csv:3 bad_value"]),
        ({"users": USERS + f"P3,true,O1,student,x,Test,{'x' * 5000},\n"}, ["users.csv:6 too_long"]),
        (
            {"classes": CLASSES + "K2,Nowhere,C9,G2,O1,S9\n", "academicSessions": SESSIONS + TWO_YEARS},
            ["classes.csv:3 no_year"],
        ),
    ],
)
def test_bad_rows_refuse_the_import_and_can_be_skipped(
    tmp_path: Path, changed: dict[str, Any], expected: list[str] | None
) -> None:
    reading = read(write_set(tmp_path, **changed))
    assert reading.errors
    assert all(f.line > 0 for f in reading.errors)
    assert reading.accepted() is None
    if expected is not None:
        assert [m for m, f in zip(marks(reading), reading.findings, strict=True) if f.severity == "error"] == expected
    skipped = reading.accepted(skip_bad=True)
    assert skipped is not None
    if not {"orgs", "classes"} & set(changed):
        assert counts(skipped) == [1, 1, 3, 1, 1, 1, 4, 4, 1, 2], "the good rows are all there"


def test_a_refused_row_refuses_what_needs_it_and_says_so(tmp_path: Path) -> None:
    users = USERS.replace("P1,true,O1,student,p1,Test,Student-One,", "P1,true,O1,student,p1,,Student-One,")
    reading = read(write_set(tmp_path, users=users))
    assert marks(reading) == [
        "users.csv:3 missing_value",
        "enrollments.csv:3 refers_to_refused",
        "users.csv:5 agent_unknown",
    ]
    roster = reading.accepted(skip_bad=True)
    assert roster is not None
    assert roster.scope["people"] == roster.scope["enrolments"] == "delta", "a skipped row is no deletion"
    assert roster.scope["groups"] == "bulk"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"manifest": None}, [":0 no_manifest"]),
        ({"courses": COURSES.replace("O1", "O9")}, ["courses.csv:2 org_unknown"]),
        ({"courses": COURSES.replace(",Y", ",Y9")}, ["courses.csv:2 year_unknown"]),
        ({"classes": CLASSES.replace("C1", "C9")}, ["classes.csv:2 discipline_from_class"]),
        ({"classes": CLASSES.replace("S1", "S9")}, ["classes.csv:2 term_unknown", "classes.csv:2 year_assumed"]),
        ({"classes": CLASSES.replace("S1", "")}, ["classes.csv:2 no_term", "classes.csv:2 year_assumed"]),
        ({"classes": CLASSES.replace("S1", '"S1,S9"')}, ["classes.csv:2 term_unknown"]),
        (
            {"academicSessions": STATUS_SESSIONS, "classes": CLASSES.replace("S1", '"S1,S2"')},
            ["classes.csv:2 term_deleted"],
        ),
        (
            {"orgs": "sourcedId,dateLastModified,name,type\nO1,last week,Test College,school\n"},
            ["orgs.csv:2 bad_modified"],
        ),
        (
            {"users": USERS.replace("guardian,g1,Test,Guardian-One,P1", "guardian,g1,Test,Guardian-One,P9")},
            ["users.csv:5 agent_unknown"],
        ),
        (
            {"users": USERS.replace("guardian,g1,Test,Guardian-One,P1", "guardian,g1,Test,Guardian-One,T1")},
            ["users.csv:5 agent_not_guardian"],
        ),
        ({"users": USERS + "A1,true,O1,administrator,a1,Test,Admin,\n"}, ["users.csv:6 role_not_taken"]),
        ({"users": USERS + "A1,true,O1,ext:librarian,a1,Test,Admin,\n"}, ["users.csv:6 role_not_taken"]),
        ({"enrollments": ENROLLMENTS + "E4,K1,O1,T1,student,,,\n"}, ["enrollments.csv:5 role_differs"]),
        ({"enrollments": ENROLLMENTS + "E4,K1,O1,P1,proctor,,,\n"}, ["enrollments.csv:5 enrolment_not_taken"]),
        ({"enrollments": ENROLLMENTS + "E4,K1,O1,P1,student,,,\n"}, ["enrollments.csv:5 enrolment_twice"]),
        (
            {"enrollments": ENROLLMENTS + "E4,K1,O1,P2,student,,2026-02-01,2026-03-01\n"},
            ["enrollments.csv:5 outside_period"],
        ),
        (
            {"academicSessions": SESSIONS.replace("2026-01-12,2026-06-30,Y", "2026-01-12,2026-07-30,Y")},
            ["academicSessions.csv:4 outside_parent"],
        ),
        ({"academicSessions": SESSIONS.replace("31,Y,2026", "31,Y,2029")}, None),
        (
            {"users": USERS.replace("agentSourcedIds", "agentSourcedIds,metadata.color,shoeSize")},
            ["users.csv:1 column_unknown"],
        ),
        ({"users": "\ufeff" + USERS}, []),
        ({"users": USERS.rstrip("\n")}, []),
        ({"users": USERS.replace("\n", "\r\n")}, []),
        ({"users": USERS.replace("\n", "\n\n,,,\n")}, []),
        ({"users": USERS.replace(",", ";")}, ["users.csv:1 delimiter"]),
        ({"users": USERS.replace("Student-One", "Студент-Первый").encode("cp1251")}, ["users.csv:0 encoding_guessed"]),
        ({"users": USERS.replace(",", "\t").encode("utf-16")}, ["users.csv:1 delimiter"]),
        ({"users": USERS.replace("sourcedId,", "SOURCEDID,")}, []),
        ({"users": USERS.replace("agentSourcedIds", "agentSourcedIds,,").replace("\n", ",,\n")}, None),
        ({"demographics": "sourcedId,birthDate\nP9,2008-01-01\n", "manifest": BULK.replace("absent", "bulk")}, None),
        ({"notes": "anything"}, ["notes.csv:0 file_unknown"]),
        ({"results": "sourcedId,lineItemSourcedId\n"}, ["results.csv:0 file_not_taken"]),
        ({"manifest": BULK.replace("file.users,bulk\n", "file.users,\n")}, ["users.csv:0 undeclared_mode"]),
    ],
)
def test_doubts_are_imported_with_a_warning(
    tmp_path: Path, changed: dict[str, Any], expected: list[str] | None
) -> None:
    reading = read(write_set(tmp_path, **changed))
    assert reading.errors == []
    assert reading.accepted() is not None
    if expected is None:
        assert reading.findings
    else:
        assert marks(reading) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"users": USERS.replace("familyName", "surname")}, "users.csv:1 column_missing"),
        ({"users": USERS.replace("username", "givenName")}, "users.csv:1 header_twice"),
        ({"users": ""}, "users.csv:0 no_header"),
        ({"users": USERS + 'P3,true,O1,student,x,"Te"st,Quote,\n'}, "users.csv:6 bad_csv"),
        ({"users": USERS + 'P3,true,O1,student,x,"Test,Open,\nP4,true\n'}, "users.csv:6 bad_csv"),
        ({"users": b"\x98\xff\xfe"}, "users.csv:0 bad_encoding"),
        ({"users": None}, "users.csv:0 file_missing"),
        ({"demographics": "sourcedId,birthDate\n"}, "demographics.csv:0 file_undeclared"),
        ({"manifest": BULK.replace("file.users,bulk", "file.users,all")}, "manifest.csv:8 bad_manifest"),
        ({"USERS": USERS}, "users.csv:0 duplicate_file"),
    ],
)
def test_a_set_that_cannot_be_trusted_as_a_whole_gives_no_document(
    tmp_path: Path, changed: dict[str, Any], expected: str
) -> None:
    reading = read(write_set(tmp_path, **changed))
    assert expected in marks(reading)
    assert reading.roster is None
    assert reading.accepted(skip_bad=True) is None


def test_nameless_columns_are_ignored_when_empty_and_refused_when_filled(tmp_path: Path) -> None:
    users = USERS.replace("agentSourcedIds\n", "agentSourcedIds,,\n")
    reading = read(write_set(tmp_path, users=users + "P3,true,O1,student,p3,Test,Three,,,lost\n"))
    assert marks(reading) == ["users.csv:1 column_unnamed", "users.csv:6 unnamed_cell"]
    reading = read(write_set(tmp_path, users=USERS + "P3,true,O1,student,p3,Test,Three,,,lost\n"))
    assert marks(reading) == ["users.csv:6 extra_cells"]


@pytest.mark.parametrize("status", ["tobedeleted", "toBeDeleted", "TOBEDELETED"])
def test_deleted_rows_need_only_their_id_and_end_what_hangs_on_them(tmp_path: Path, status: str) -> None:
    users = "sourcedId,status,enabledUser,orgSourcedIds,role,username,givenName,familyName,agentSourcedIds\n" + "".join(
        line.replace(",", ",,", 1) + "\n" for line in USERS.splitlines()[1:]
    ).replace("P2,,true,O1,student,p2,Test,Student-Two,", f"P2,{status},,,,,,,")
    reading = read(write_set(tmp_path, users=users))
    assert marks(reading) == ["enrollments.csv:4 refers_to_deleted"]
    roster = reading.accepted()
    assert roster is not None
    assert {(r.kind, r.external_id) for r in roster.deleted} == {("people", "P2"), ("enrolments", "E3")}


def test_a_course_that_is_deleted_but_still_used_stays(tmp_path: Path) -> None:
    courses = "sourcedId,status,title,courseCode,orgSourcedId\nC1,tobedeleted,One,D1,O1\n"
    reading = read(write_set(tmp_path, courses=courses))
    assert marks(reading) == ["classes.csv:2 course_still_used"]
    roster = reading.accepted()
    assert roster is not None
    assert roster.deleted == ()
    assert roster.disciplines[0].derived


def test_a_person_may_be_teacher_and_student(tmp_path: Path) -> None:
    roster = accepted(write_set(tmp_path, enrollments=ENROLLMENTS + "E4,K1,O1,T1,student,,,\n"))
    person = record_id("O1", "people", "T1")
    assert {(r.role, r.basis) for r in roster.roles if r.person_id == person} == {
        ("teacher", "declared"),
        ("student", "enrolment"),
    }


def test_staff_without_a_role_here_may_teach(tmp_path: Path) -> None:
    reading = read(
        write_set(
            tmp_path,
            users=USERS + "A1,true,O1,principal,a1,Test,Admin,\n",
            enrollments=ENROLLMENTS + "E4,K1,O1,A1,teacher,,,\n",
        )
    )
    assert codes(reading) == ["role_not_taken", "role_differs"]
    roster = reading.accepted()
    assert roster is not None
    assert [t.responsible for t in roster.teaching] == [True, False], "the primary teacher stays responsible"


def test_who_left_and_came_back_is_enrolled_twice(tmp_path: Path) -> None:
    reading = read(write_set(tmp_path, enrollments=ENROLLMENTS + "E4,K1,O1,P2,student,,2025-12-10,\n"))
    assert reading.findings == ()
    assert reading.roster is not None
    assert len(reading.roster.enrolments) == 3


def test_birth_dates_come_from_demographics(tmp_path: Path) -> None:
    roster = accepted(
        write_set(
            tmp_path,
            demographics="sourcedId,birthDate,sex\nP1,17.04.2008,male\n",
            manifest=BULK.replace("demographics,absent", "demographics,bulk"),
        )
    )
    assert {p.external_id: p.birth_date for p in roster.people if p.birth_date} == {"P1": date(2008, 4, 17)}


DELTA = "propertyName,value\noneroster.version,1.1\nfile.enrollments,delta\nfile.users,delta\n"


def test_a_delta_refers_to_what_is_stored(tmp_path: Path) -> None:
    files = {
        "manifest.csv": DELTA,
        "users.csv": USERS.splitlines()[0] + "\nG2,true,O1,guardian,g2,Test,Guardian-Two,P1\n",
        "enrollments.csv": ENROLLMENTS,
    }
    assert codes(read(write_set(tmp_path, files))) == ["source_needed"]
    reading = read(tmp_path, "O1")
    assert reading.findings == ()
    roster = reading.accepted()
    assert roster is not None
    assert {(r.kind, r.external_id) for r in roster.outside} == {
        ("orgs", "O1"),
        ("people", "P1"),
        ("people", "P2"),
        ("people", "T1"),
        ("groups", "K1"),
    }
    (teaching,) = roster.teaching
    assert teaching.discipline_id is None
    assert [g.student_id for g in roster.guardians] == [record_id("O1", "people", "P1")]
    assert {r.role for r in roster.roles if r.basis == "enrolment"} == {"student"}, "no delta makes anybody a teacher"
    assert "bulk" not in roster.scope.values(), "what a delta passes over is no deletion"


def test_a_delta_has_the_ids_of_the_full_export(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "delta").mkdir()
    full = accepted(write_set(tmp_path / "full"))
    manifest = BULK.replace("bulk", "delta")
    delta = accepted(write_set(tmp_path / "delta", manifest=manifest))
    for kind in KINDS:
        assert [r.id for r in full.records(kind)] == [r.id for r in delta.records(kind)]


def test_the_source_is_the_name_given(tmp_path: Path) -> None:
    assert accepted(write_set(tmp_path), "elsewhere").people[0].id == record_id("elsewhere", "people", "T1")
    for bad in ("", "a:b", "x" * 300):
        assert codes(read(tmp_path, bad)) == ["bad_source"]


def test_two_roots_leave_the_folders_name(tmp_path: Path) -> None:
    folder = tmp_path / "campus.2026"
    folder.mkdir()
    reading = read(write_set(folder, orgs=ORGS + "O2,Other College,school\n"))
    assert codes(reading) == ["source_guessed"]
    assert reading.roster is not None
    assert reading.roster.source == "campus.2026"


def test_1_2_roles_come_from_their_file(tmp_path: Path) -> None:
    users = "\n".join(
        ",".join(c for n, c in enumerate(line.split(",")) if n not in (2, 3)) for line in USERS.splitlines()
    )
    role_rows = (
        "sourcedId,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n"
        "R1,T1,primary,teacher,2025-09-01,2026-08-31,O1\nR2,P1,primary,student,,,O1\nR3,P2,primary,student,,,O1\n"
        "R4,G1,primary,relative,,,O1\nR5,P9,primary,student,,,O1\nR6,T1,secondary,guardian,2026-01-01,2025-01-01,O1\n"
    )
    reading = read(write_set(tmp_path, users=users, roles=role_rows, manifest=None))
    assert marks(reading) == [":0 no_manifest", "roles.csv:6 dangling", "roles.csv:7 inverted_dates"]
    roster = reading.accepted(skip_bad=True)
    assert roster is not None
    assert [(r.external_id, r.role, r.starts_on) for r in roster.roles] == [
        ("R1", "teacher", date(2025, 9, 1)),
        ("R2", "student", None),
        ("R3", "student", None),
        ("R4", "guardian", None),
    ]
    assert len(roster.guardians) == 1
    assert roster.scope["roles"] == "delta", "rows were refused, so silence proves nothing"


def test_1_2_students_without_a_role_have_it_by_their_enrolment_and_teachers_have_not(tmp_path: Path) -> None:
    users = "\n".join(
        ",".join(c for n, c in enumerate(line.split(",")) if n not in (2, 3)) for line in USERS.splitlines()
    )
    reading = read(write_set(tmp_path, users=users))
    assert marks(reading) == [
        "enrollments.csv:2 teacher_not_staff",
        "enrollments.csv:3 role_assumed",
        "enrollments.csv:4 role_assumed",
        "classes.csv:0 no_teacher",
        "users.csv:5 agent_not_guardian",
    ]


def test_passwords_never_leave_the_file(tmp_path: Path) -> None:
    users = USERS.replace("agentSourcedIds\n", "agentSourcedIds,password\n").replace("P1\n", "P1,Secret-Word-1\n")
    reading = read(write_set(tmp_path, users=users))
    assert codes(reading) == ["passwords_left"]
    assert "Secret-Word-1" not in reading.model_dump_json()


def test_no_set_at_all(tmp_path: Path) -> None:
    assert codes(read(tmp_path)) == ["no_files"]
    assert codes(read(tmp_path / "missing")) == ["no_such_path"]
    assert codes(read(Path("nul\0name"))) == ["no_such_path"]
    (tmp_path / "plain.txt").write_text("text")
    assert codes(read(tmp_path / "plain.txt")) == ["not_a_roster"]
    assert GOOD["orgs.csv"] == ORGS
