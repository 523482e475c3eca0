"""OneRoster CSV as tables: which file has which columns, what must be filled, what refers to what, and other layouts.

Source: 1EdTech OneRoster CSV tables 1.1.1 and CSV binding 1.2.1. An export with other names is described by a `Layout`,
never by code: which file stands for which, which header for which column, and by which column its rows are referred to.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from services.importing.roster import Kind, PeriodKind, RoleName

FileName = Literal["orgs", "academicSessions", "courses", "classes", "users", "roles", "demographics", "enrollments"]


class FileSpec(NamedTuple):
    """A file that is read. `required`: columns that must exist and be filled. `kinds`: what its silence is about."""

    columns: tuple[str, ...]
    required: tuple[str, ...]
    kinds: tuple[Kind, ...] = ()
    dates: tuple[str, ...] = ()


_COMMON: Final = ("sourcedId", "status", "dateLastModified")

FILES: Final[dict[FileName, FileSpec]] = {
    "orgs": FileSpec(
        (*_COMMON, "name", "type", "identifier", "parentSourcedId"), ("sourcedId", "name", "type"), ("orgs",)
    ),
    "academicSessions": FileSpec(
        (*_COMMON, "title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
        ("sourcedId", "title", "type", "startDate", "endDate", "schoolYear"),
        ("years", "periods"),
        ("startDate", "endDate"),
    ),
    "courses": FileSpec(
        (*_COMMON, "schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId", "subjects", "subjectCodes"),
        ("sourcedId", "title"),
        ("disciplines",),
    ),
    "classes": FileSpec(
        (
            *_COMMON,
            "title",
            "grades",
            "courseSourcedId",
            "classCode",
            "classType",
            "location",
            "schoolSourcedId",
            "termSourcedIds",
            "subjects",
            "subjectCodes",
            "periods",
        ),
        ("sourcedId", "title", "courseSourcedId"),
        ("groups",),
    ),
    "users": FileSpec(
        (
            *_COMMON,
            "enabledUser",
            "orgSourcedIds",
            "role",
            "username",
            "userIds",
            "givenName",
            "familyName",
            "middleName",
            "identifier",
            "email",
            "sms",
            "phone",
            "agentSourcedIds",
            "grades",
            "password",
            "userMasterIdentifier",
            "resourceSourcedIds",
            "preferredGivenName",
            "preferredMiddleName",
            "preferredFamilyName",
            "primaryOrgSourcedId",
            "pronouns",
        ),
        ("sourcedId", "givenName", "familyName"),
        ("people", "guardians"),
    ),
    "roles": FileSpec(
        (
            *_COMMON,
            "userSourcedId",
            "roleType",
            "role",
            "beginDate",
            "endDate",
            "orgSourcedId",
            "userProfileSourcedId",
        ),
        ("sourcedId", "userSourcedId", "role"),
        ("roles",),
        ("beginDate", "endDate"),
    ),
    "demographics": FileSpec(
        (
            *_COMMON,
            "birthDate",
            "sex",
            "americanIndianOrAlaskaNative",
            "asian",
            "blackOrAfricanAmerican",
            "nativeHawaiianOrOtherPacificIslander",
            "white",
            "demographicRaceTwoOrMoreRaces",
            "hispanicOrLatinoEthnicity",
            "countryOfBirthCode",
            "stateOfBirthAbbreviation",
            "cityOfBirth",
            "publicSchoolResidenceStatus",
        ),
        ("sourcedId",),
        (),
        ("birthDate",),
    ),
    "enrollments": FileSpec(
        (
            *_COMMON,
            "classSourcedId",
            "schoolSourcedId",
            "userSourcedId",
            "role",
            "primary",
            "beginDate",
            "endDate",
        ),
        ("sourcedId", "classSourcedId", "userSourcedId", "role"),
        ("teaching", "enrolments"),
        ("beginDate", "endDate"),
    ),
}

# Files of the standard that the journal has no use for; the value is a column that proves the header is theirs.
NOT_TAKEN: Final[dict[str, str]] = {
    "categories": "weight",
    "classResources": "resourceSourcedId",
    "courseResources": "resourceSourcedId",
    "lineItemLearningObjectiveIds": "lineItemSourcedId",
    "lineItemScoreScales": "scoreScaleSourcedId",
    "lineItems": "assignDate",
    "resources": "vendorResourceId",
    "resultLearningObjectiveIds": "resultSourcedId",
    "resultScoreScales": "resultSourcedId",
    "results": "lineItemSourcedId",
    "scoreScales": "scoreScaleValue",
    "userProfiles": "profileType",
    "userResources": "resourceSourcedId",
}

# Misspelt headers met in real exports, in lower case.
ALIASES: Final[dict[str, str]] = {
    "datalastmodified": "dateLastModified",
    "datlastmodified": "dateLastModified",
    "datelastmodifed": "dateLastModified",
    "prefferedgivenname": "preferredGivenName",
    "prefferedmiddlename": "preferredMiddleName",
    "prefferedfamilyname": "preferredFamilyName",
}

REFERENCES: Final[dict[str, FileName]] = {
    "orgSourcedId": "orgs",
    "orgSourcedIds": "orgs",
    "schoolSourcedId": "orgs",
    "primaryOrgSourcedId": "orgs",
    "courseSourcedId": "courses",
    "classSourcedId": "classes",
    "userSourcedId": "users",
}

PERIOD_KINDS: Final[dict[str, PeriodKind]] = {
    "schoolyear": "year",
    "semester": "semester",
    "term": "term",
    "gradingperiod": "grading_period",
}
# A period hangs under one of a smaller rank.
PERIOD_RANK: Final[dict[PeriodKind, int]] = {"year": 0, "semester": 1, "term": 1, "grading_period": 2}

# From the narrowest to the widest: the widest organisation without a parent is the root.
ORG_KINDS: Final = ("department", "school", "district", "local", "state", "national")

# None: known to OneRoster, but never granted from a file; staff powers are given by order in the journal (R 8.6).
ROLES: Final[dict[str, RoleName | None]] = {
    "student": "student",
    "teacher": "teacher",
    "parent": "guardian",
    "guardian": "guardian",
    "relative": "guardian",
    "administrator": None,
    "aide": None,
    "counselor": None,
    "districtadministrator": None,
    "principal": None,
    "proctor": None,
    "siteadministrator": None,
    "systemadministrator": None,
}


class Stand(NamedTuple):
    """A file that stands for one of OneRoster. `columns`: OneRoster column → its header, where the two differ.

    `key`: the header by which other files refer to its rows, when that is not sourcedId. `derived`: required columns
    that the export lacks and the reader concludes → where from.
    """

    file: str
    columns: Mapping[str, str] = MappingProxyType({})
    key: str = ""
    derived: Mapping[str, str] = MappingProxyType({})


class Layout(NamedTuple):
    """An export whose files or headers have names of their own. It is recognised by all its files being there."""

    name: str
    files: Mapping[FileName, Stand]


LAYOUTS: Final = (
    Layout(
        "oneroster-api-mock",
        {
            "orgs": Stand("schools.csv", key="orgId"),
            "courses": Stand("courses.csv", {"grades": "grade", "orgSourcedId": "orgId"}, key="courseId"),
            "classes": Stand(
                "classes.csv",
                {
                    "sourcedId": "sourcedId_cl",
                    "status": "status_cl",
                    "dateLastModified": "dateLastModified_cl",
                    "title": "classCode_cl",
                    "courseSourcedId": "courseId_cl",
                    "classCode": "classCode_cl",
                    "classType": "classType_cl",
                    "location": "location_cl",
                    "schoolSourcedId": "orgId_cl",
                    "termSourcedIds": "term_cl",
                    "periods": "periods_cl",
                },
                key="classId_cl",
            ),
            "users": Stand("users.csv", {"orgSourcedIds": "orgId"}, key="userId"),
            "enrollments": Stand(
                "enrollments_out.csv",
                {"classSourcedId": "ClassId", "userSourcedId": "UserId"},
                derived={"role": "users.role"},
            ),
        },
    ),
)
