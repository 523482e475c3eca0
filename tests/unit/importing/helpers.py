"""Small roster sets for the tests of the readers; all people are obviously artificial."""

from collections.abc import Mapping
from pathlib import Path

from services.importing.roster import KINDS, Reading, Roster

ORGS = "sourcedId,name,type\nO1,Test College,school\n"
SESSIONS = (
    "sourcedId,title,type,startDate,endDate,parentSourcedId,schoolYear\n"
    "Y,Year,schoolYear,2025-09-01,2026-06-30,,2026\n"
    "S1,Semester 1,semester,2025-09-01,2025-12-31,Y,2026\n"
    "S2,Semester 2,semester,2026-01-12,2026-06-30,Y,2026\n"
)
COURSES = "sourcedId,title,courseCode,orgSourcedId,schoolYearSourcedId\nC1,Discipline One,D1,O1,Y\n"
CLASSES = "sourcedId,title,courseSourcedId,classCode,schoolSourcedId,termSourcedIds\nK1,Group One,C1,G1,O1,S1\n"
USERS = (
    "sourcedId,enabledUser,orgSourcedIds,role,username,givenName,familyName,agentSourcedIds\n"
    "T1,true,O1,teacher,t1,Test,Teacher-One,\n"
    "P1,true,O1,student,p1,Test,Student-One,\n"
    "P2,true,O1,student,p2,Test,Student-Two,\n"
    "G1,true,O1,guardian,g1,Test,Guardian-One,P1\n"
)
ENROLLMENTS = (
    "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
    "E1,K1,O1,T1,teacher,true,,\n"
    "E2,K1,O1,P1,student,,,\n"
    "E3,K1,O1,P2,student,,2025-10-01,2025-11-30\n"
)
BULK = (
    "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"
    + "".join(f"file.{f},bulk\n" for f in ("orgs", "academicSessions", "courses", "classes", "users", "enrollments"))
    + "file.demographics,absent\n"
)

GOOD: Mapping[str, str] = {
    "manifest.csv": BULK,
    "orgs.csv": ORGS,
    "academicSessions.csv": SESSIONS,
    "courses.csv": COURSES,
    "classes.csv": CLASSES,
    "users.csv": USERS,
    "enrollments.csv": ENROLLMENTS,
}


def write_set(folder: Path, files: Mapping[str, str | bytes | None] = GOOD, **changed: str | bytes | None) -> Path:
    """Write a set; `changed` replaces files by their name without `.csv`, None leaves one out."""
    for name, content in {**files, **{f"{k}.csv": v for k, v in changed.items()}}.items():
        if content is not None:
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def counts(roster: Roster) -> list[int]:
    """orgs, years, periods, disciplines, groups, teaching, people, roles, guardians, enrolments."""
    return [len(roster.records(kind)) for kind in KINDS]


def marks(reading: Reading) -> list[str]:
    """Findings as `file:line code`, in their order."""
    return [f"{f.file}:{f.line} {f.code}" for f in reading.findings]


def codes(reading: Reading) -> list[str]:
    """The codes of the findings, in their order."""
    return [f.code for f in reading.findings]
