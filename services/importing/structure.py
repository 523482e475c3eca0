"""OneRoster's frame of a college: organisations, academic years and periods, disciplines, study groups.

Every OneRoster class becomes one study group, because enrolments are per class. An academic year is a value of
`schoolYear`, so that it has the same id in every export, whichever sessions that export holds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from services.importing import cells
from services.importing.cells import BadCell
from services.importing.columns import ORG_KINDS, PERIOD_KINDS, PERIOD_RANK, FileName
from services.importing.intake import Desk
from services.importing.roster import AcademicYear, Discipline, Org, Period, Scope, StudyGroup
from services.importing.tables import Row, Table

_Nested = TypeVar("_Nested", Org, Period)
_YEAR: Final = re.compile(r"(?:19|20)\d\d", re.ASCII)


@dataclass(slots=True)
class Frame:
    """What was read, by sourcedId; years by school year."""

    root: str | None
    orgs: dict[str, Org] = field(default_factory=dict)
    years: dict[str, AcademicYear] = field(default_factory=dict)
    periods: dict[str, Period] = field(default_factory=dict)
    disciplines: dict[str, Discipline] = field(default_factory=dict)
    groups: dict[str, StudyGroup] = field(default_factory=dict)
    course_years: dict[str, str] = field(default_factory=dict)


def root_org(table: Table | None, scope: Scope) -> str | None:
    """The widest organisation without a parent, when it is the only one of its width.

    In a delta a parent that is not in the file may be stored, so only an organisation that names none can be the root.
    """
    rows = [r for r in table.rows if r["status"].lower() != "tobedeleted"] if table else []
    named = {r["sourcedId"] for r in rows}
    tops = [
        (ORG_KINDS.index(kind), r["sourcedId"])
        for r in rows
        if (kind := r["type"].lower()) in ORG_KINDS
        and r["sourcedId"]
        and (not r["parentSourcedId"] or (scope == "bulk" and r["parentSourcedId"] not in named))
    ]
    widest = max((width for width, _ in tops), default=-1)
    found = [sid for width, sid in tops if width == widest]
    return found[0] if len(found) == 1 else None


def read_orgs(desk: Desk, frame: Frame) -> None:
    """Organisations; an unknown parent leaves them at the top."""
    rows = list(desk.rows("orgs", lambda row: desk.delete(row, "orgs", row["sourcedId"])))
    parents = _parents(desk, "orgs", [row for row, _ in rows])
    for row, active in rows:
        sid = row["sourcedId"]
        with desk.careful("orgs", row):
            kind = desk.word(row, "type", ORG_KINDS)
            if sid in parents and _circular(sid, parents):
                desk.refuse(row, "cycle", column="parentSourcedId", value=parents[sid])
            frame.orgs[sid] = Org(
                id=desk.id("orgs", sid),
                external_id=sid,
                where=row.where,
                active=active,
                name=row["name"],
                kind=kind,
                parent_id=desk.id("orgs", parents[sid]) if sid in parents else None,
            )
    _drop_refused_parents(desk, "orgs", frame.orgs, parents)


def read_sessions(desk: Desk, frame: Frame) -> None:
    """Academic sessions: a year for each schoolYear, a period for each row."""
    rows = list(desk.rows("academicSessions", lambda row: desk.delete(row, "periods", row["sourcedId"])))
    years = {row["schoolYear"] for row, _ in rows}
    parents = _parents(desk, "academicSessions", [row for row, _ in rows], years)
    kinds = {row["sourcedId"]: PERIOD_KINDS.get(row["type"].lower()) for row, _ in rows}
    for row, active in rows:
        sid = row["sourcedId"]
        with desk.careful("academicSessions", row):
            kind = PERIOD_KINDS[desk.word(row, "type", PERIOD_KINDS)]
            start, end = desk.span(row, "academicSessions", "startDate", "endDate")
            assert start is not None, "startDate and endDate are required columns"
            assert end is not None, "startDate and endDate are required columns"
            label = row["schoolYear"]
            if not _YEAR.fullmatch(label):
                desk.refuse(row, "bad_year", column="schoolYear", value=label)
            if abs(int(label) - start.year) > 1:
                desk.note(row, "year_far", value=label, start=start, end=end)
            parent = parents.get(sid)
            if parent is not None and _circular(sid, parents):
                desk.refuse(row, "cycle", column="parentSourcedId", value=parent)
            if parent is not None and kind == "year":
                desk.note(row, "year_under_period", value=parent)
                parent = None
            above = kinds.get(parent) if parent is not None else None
            if above is not None and PERIOD_RANK[above] >= PERIOD_RANK[kind]:
                desk.note(row, "parent_kind", value=kind, parent=above)
            frame.periods[sid] = Period(
                id=desk.id("periods", sid),
                external_id=sid,
                where=row.where,
                active=active,
                year_id=desk.id("years", label),
                parent_id=desk.id("periods", parent) if parent is not None else None,
                kind=kind,
                title=row["title"],
                starts_on=start,
                ends_on=end,
            )
            _widen_year(desk, frame, label, frame.periods[sid])
    _drop_refused_parents(desk, "academicSessions", frame.periods, parents)
    _check_nesting(desk, frame, [row for row, _ in rows], parents)


def read_courses(desk: Desk, frame: Frame) -> None:
    """Courses: a discipline each; the school year only helps to place classes without a session."""
    for row, active in desk.rows("courses", lambda row: desk.delete(row, "disciplines", row["sourcedId"])):
        sid = row["sourcedId"]
        with desk.careful("courses", row):
            frame.disciplines[sid] = Discipline(
                id=desk.id("disciplines", sid),
                external_id=sid,
                where=row.where,
                active=active,
                name=row["title"],
                code=row["courseCode"],
                org_id=org_of(desk, frame, row, "courses", "orgSourcedId"),
            )
            label = _course_year(desk, frame, row)
            if label is not None:
                frame.course_years[sid] = label


def read_classes(desk: Desk, frame: Frame) -> None:
    """Classes: a study group each, with its discipline and periods."""
    dated = _enrolment_dates(desk)
    for row, active in desk.rows("classes", lambda row: desk.delete(row, "groups", row["sourcedId"])):
        sid = row["sourcedId"]
        with desk.careful("classes", row):
            discipline_id = _discipline(desk, frame, row)
            period_ids = _class_periods(desk, frame, row, dated)
            spans = [p for p in frame.periods.values() if p.id in period_ids]
            complete = bool(spans) and len(spans) == len(period_ids)
            frame.groups[sid] = StudyGroup(
                id=desk.id("groups", sid),
                external_id=sid,
                where=row.where,
                active=active,
                name=row["title"],
                code=row["classCode"],
                room=row["location"],
                org_id=org_of(desk, frame, row, "classes", "schoolSourcedId"),
                discipline_id=discipline_id,
                period_ids=period_ids,
                starts_on=min(p.starts_on for p in spans) if complete else None,
                ends_on=max(p.ends_on for p in spans) if complete else None,
            )


def org_of(desk: Desk, frame: Frame, row: Row, name: FileName, column: str) -> str | None:
    """The organisation that a cell names; the root (or none) when the cell is empty or names an unknown one."""
    root = _root_id(frame)
    for sid in desk.target(row, column):
        match desk.fate(name, "orgs", sid):
            case "known":
                return desk.id("orgs", sid)
            case "outside":
                return desk.expect(row, "orgs", sid)
            case _:
                desk.note(row, "org_unknown", column=column, value=sid, default=frame.root if root else "—")
    return root


def _root_id(frame: Frame) -> str | None:
    root = frame.orgs.get(frame.root) if frame.root is not None else None
    return root.id if root else None


# --- parents


def _parents(desk: Desk, name: FileName, rows: list[Row], years: Iterable[str] = ()) -> dict[str, str]:
    """sourcedId → sourcedId of the parent, where there is one to be had."""
    found: dict[str, str] = {}
    for row in rows:
        parent = row["parentSourcedId"]
        if not parent:
            continue
        match desk.fate(name, name, parent):
            case "known":
                found[row["sourcedId"]] = parent
            case "outside":
                desk.expect(row, "orgs" if name == "orgs" else "periods", parent)
                found[row["sourcedId"]] = parent
            case _ if parent in years:
                desk.note(row, "year_by_number", column="parentSourcedId", value=parent)
            case _:
                desk.note(row, "parent_unknown", column="parentSourcedId", value=parent, target=row.file)
    return found


def _drop_refused_parents(desk: Desk, name: FileName, records: dict[str, _Nested], parents: dict[str, str]) -> None:
    """Records below a row that turned out bad stand at the top."""
    for sid, record in records.items():
        parent = parents.get(sid, "")
        if record.parent_id is not None and desk.seen[name].get(parent) == "refused":
            file, _, line = record.where.rpartition(":")
            desk.findings.add("parent_unknown", file, int(line), column="parentSourcedId", value=parent, target=file)
            records[sid] = record.model_copy(update={"parent_id": None})


def _circular(sid: str, parents: dict[str, str]) -> bool:
    passed: set[str] = set()
    above = parents.get(sid)
    while above is not None and above not in passed:
        if above == sid:
            return True
        passed.add(above)
        above = parents.get(above)
    return False


# --- years and periods


def year_title(start: date) -> str:
    """`2025/2026` for a year that begins in July 2025 or later; exports disagree which of the two schoolYear names."""
    first = start.year if start.month >= 7 else start.year - 1
    return f"{first}/{first + 1}"


def _widen_year(desk: Desk, frame: Frame, label: str, period: Period) -> None:
    """The year from the first to the last day of its periods, so that a period never lies outside its year."""
    year = frame.years.get(label)
    start = min(period.starts_on, year.starts_on) if year else period.starts_on
    declared = period.kind == "year" and desk.scope["academicSessions"] == "bulk"
    frame.years[label] = AcademicYear(
        id=desk.id("years", label),
        external_id=label,
        where=year.where if year else period.where,
        title=year_title(start),
        starts_on=start,
        ends_on=max(period.ends_on, year.ends_on) if year else period.ends_on,
        derived=not declared and (year.derived if year else True),
    )


def _check_nesting(desk: Desk, frame: Frame, rows: list[Row], parents: dict[str, str]) -> None:
    for row in rows:
        period = frame.periods.get(row["sourcedId"])
        parent = frame.periods.get(parents.get(row["sourcedId"], ""))
        inside = (
            period is None
            or parent is None
            or period.parent_id is None
            or parent.starts_on <= period.starts_on <= period.ends_on <= parent.ends_on
        )
        if not inside:
            desk.note(row, "outside_parent", value=row["parentSourcedId"])


def _course_year(desk: Desk, frame: Frame, row: Row) -> str | None:
    named = row["schoolYearSourcedId"]
    if not named:
        return None
    if named in frame.periods:
        year_id = frame.periods[named].year_id
        return next(label for label, year in frame.years.items() if year.id == year_id)
    if named in frame.years:
        desk.note(row, "year_by_number", column="schoolYearSourcedId", value=named)
        return named
    if desk.fate("courses", "academicSessions", named) != "outside":
        desk.note(row, "year_unknown", column="schoolYearSourcedId", value=named)
    return None


# --- classes


def _discipline(desk: Desk, frame: Frame, row: Row) -> str:
    """The class's discipline; named after the class when its course is not to be had."""
    sid = next(iter(desk.target(row, "courseSourcedId")))
    fate = desk.fate("classes", "courses", sid)
    if fate == "refused":
        desk.refuse(row, "refers_to_refused", column="courseSourcedId", value=sid, target=desk.file_of("courses"))
    if fate == "outside":
        return desk.expect(row, "disciplines", sid)
    if fate != "known":
        if fate == "deleted":
            desk.note(row, "course_still_used", value=sid)
            desk.deleted.pop(("disciplines", desk.id("disciplines", sid)), None)
        else:
            desk.note(row, "discipline_from_class", value=sid)
        if sid not in frame.disciplines:
            frame.disciplines[sid] = Discipline(
                id=desk.id("disciplines", sid),
                external_id=sid,
                where=row.where,
                name=row["title"],
                org_id=_root_id(frame),
                derived=True,
            )
    return frame.disciplines[sid].id


def _class_periods(desk: Desk, frame: Frame, row: Row, dated: dict[str, tuple[date, date]]) -> tuple[str, ...]:
    """The periods of a class: its sessions; without any, those that dates of enrolments prove, or the whole year."""
    found: list[str] = []
    terms = desk.target(row, "termSourcedIds")
    for term in terms:
        fate = desk.fate("classes", "academicSessions", term)
        if fate == "known" and term in frame.periods:
            found.append(frame.periods[term].id)
        elif fate == "outside":
            found.append(desk.expect(row, "periods", term))
        elif fate == "deleted":
            desk.note(row, "term_deleted", value=term)
        elif fate == "refused":
            desk.refuse(
                row,
                "refers_to_refused",
                column="termSourcedIds",
                value=term,
                target=desk.file_of("academicSessions"),
            )
        elif term in frame.periods:
            found.append(frame.periods[term].id)
        elif desk.scope["academicSessions"] == "absent" and term in dated:
            found.append(_period_from_dates(desk, frame, row, term, dated))
        else:
            desk.note(row, "term_unknown", value=term)
    if not terms:
        desk.note(row, "no_term")
    return tuple(found) if found or desk.scope["classes"] == "delta" else (_whole_year(desk, frame, row),)


def _whole_year(desk: Desk, frame: Frame, row: Row) -> str:
    label = frame.course_years.get(next(iter(desk.target(row, "courseSourcedId")), ""))
    if label is None and len(frame.years) == 1:
        label = next(iter(frame.years))
    if label is None:
        desk.refuse(row, "no_year")
    year = frame.years[label]
    desk.note(row, "year_assumed", value=year.title)
    key = f"year {label}"
    if key not in frame.periods:
        frame.periods[key] = Period(
            id=desk.id("periods", key),
            external_id=key,
            where=year.where,
            year_id=year.id,
            kind="year",
            title=year.title,
            starts_on=year.starts_on,
            ends_on=year.ends_on,
            derived=True,
        )
    return frame.periods[key].id


def _period_from_dates(desk: Desk, frame: Frame, row: Row, term: str, dated: dict[str, tuple[date, date]]) -> str:
    """A period for a term that only has a name, in the academic year that holds all such terms."""
    start, end = dated[term]
    title = year_title(start)
    label = title.partition("/")[2]
    desk.note(row, "term_from_dates", value=term, start=start, end=end)
    frame.periods[term] = Period(
        id=desk.id("periods", term),
        external_id=term,
        where=row.where,
        year_id=desk.id("years", label),
        kind="term",
        title=term,
        starts_on=start,
        ends_on=end,
        derived=True,
    )
    _widen_year(desk, frame, label, frame.periods[term])
    return frame.periods[term].id


def _enrolment_dates(desk: Desk) -> dict[str, tuple[date, date]]:
    """For each term that classes name, the span of their dated enrolments; only when there are no sessions at all."""
    table = desk.tables.get("enrollments")
    if desk.scope["academicSessions"] != "absent" or table is None or "classes" not in desk.tables:
        return {}
    terms = {row["sourcedId"]: desk.target(row, "termSourcedIds") for row in desk.tables["classes"].rows}
    found: dict[str, tuple[date, date]] = {}
    for row in table.rows:
        try:
            start, end = (cells.day(row[c], desk.order("enrollments")) for c in ("beginDate", "endDate"))
        except BadCell:
            continue  # reported when enrolments are read
        for term in terms.get(next(iter(desk.target(row, "classSourcedId")), ""), ()):
            known = found.get(term)
            found[term] = (min(start, known[0]), max(end, known[1])) if known else (start, end)
    return {term: span for term, span in found.items() if span[0] <= span[1]}
