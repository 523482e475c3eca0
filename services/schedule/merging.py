"""What a roster document changes in what is stored: events, counts, findings. Pure.

The file speaks about years, periods, disciplines, classes and teachers; everything it does not speak about (weekends,
holidays, hours, subgroups, a reassignment made by hand) stays as it is.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from contracts.envelope import Event
from contracts.events.schedule import (
    AcademicYearOpened,
    DisciplineAdded,
    DisciplineKind,
    PeriodDefined,
    TeachingAssigned,
)
from contracts.ids import derived
from services.kit.problems import Problem
from services.schedule import load
from services.schedule.catalogue import Catalogue, Entry
from services.schedule.year import Assignment, Year

if TYPE_CHECKING:
    from services.schedule.imports import DisciplineOf, Document, GroupOf, PeriodOf, TeachingOf, YearOf

DAY = timedelta(days=1)
ABSENT_SHOWN = 100
KINDS = ("years", "periods", "disciplines", "groups", "teaching")
COUNTED = tuple(kind for kind in KINDS if kind != "groups")
"""Groups are identity's: here is only noted which discipline and periods a group has."""
CODES: dict[str, DisciplineKind] = {
    "МДК": "mdk",
    "ПМ": "module",
    "УП": "training_practice",
    "ПП": "industrial_practice",
}
"""The first letters of a discipline's code tell its kind (ФГОС СПО)."""

SENTENCES = {
    "group-unknown": (
        "error",
        "дисциплина и периоды этой группы неизвестны: загрузите класс",
        "the discipline and periods of this group are not known: import the class",
    ),
    "period-unknown": ("error", "учебный период группы неизвестен", "a period of the group is not known"),
    "discipline-unknown": ("error", "дисциплина неизвестна", "the discipline is not known"),
    "year-unknown": ("error", "учебный год периода неизвестен", "the academic year of the period is not known"),
    "period-elsewhere": (
        "error",
        "период перенесён в другой учебный год, а занятия остались в прежнем",
        "the period was put into another academic year while its lessons are in the former one",
    ),
    "teacher-refused": ("error", "смена преподавателя невозможна: {why_ru}", "the teacher cannot be changed: {why_en}"),
    "own-assignment": ("error", "нагрузку на своё имя назначает другой", "nobody gives a page to himself"),
    "teaching-outside": (
        "warning",
        "даты преподавателя не пересекаются с периодами группы; нагрузка не назначена",
        "the teacher's dates do not meet the periods of the group; nothing is assigned",
    ),
    "responsible-kept": (
        "warning",
        "ответственным остаётся прежний преподаватель",
        "the teacher responsible so far stays responsible",
    ),
}


class Stored(NamedTuple):
    """What is there: the catalogue, {group: {period: definition}}, the years as folded.

    known: {kind: {id in the document: what was remembered of it}} of this source.
    """

    catalogue: Catalogue
    calendars: dict[str, dict[str, PeriodDefined]]
    years: dict[str, Year]
    known: dict[str, dict[str, dict[str, Any]]]


def period_id(group: str, period: str) -> str:
    """The id of a document's period in the calendar of one group."""
    return derived("period", group, period)


def assignment_id(teaching: str, period: str) -> str:
    return derived("assignment", teaching, period)


class Merge:
    """The outcome. entries, periods and load: the events of the catalogue, of each group's calendar, of each year.

    remembered, forgotten: by kind what is to be noted of the source.
    """

    def __init__(self, document: "Document", stored: Stored, today: date, importer: str) -> None:
        self._doc, self._stored, self._today, self._importer = document, stored, today, importer
        self.entries: list[Entry] = []
        self.periods: dict[str, list[PeriodDefined]] = {}
        self.load: dict[str, list[Event]] = {}
        self.counts = {kind: Counter[str]() for kind in KINDS}
        self.findings: list[dict[str, str]] = []
        self.remembered: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in KINDS}
        self.forgotten: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._year_ids: dict[str, str] = {i: data["year"] for i, data in self._known("years").items()}
        self._years = dict(stored.catalogue.years)
        self._disciplines = set(stored.catalogue.disciplines)
        self._groups: dict[str, tuple[str | None, tuple[str, ...]]] = {
            i: (data["discipline"], tuple(data["periods"])) for i, data in self._known("groups").items()
        }
        self._where: dict[str, str] = {}
        self._calendars = {group: dict(held) for group, held in stored.calendars.items()}
        self._take_years()
        for discipline in document.disciplines:
            self._take_discipline(discipline)
        for group in document.groups:
            self._take_group(group)
        self._take_periods()
        self._take_teaching()
        for reference in document.deleted:
            if reference.kind in KINDS:
                self.forgotten[reference.kind].add(reference.id)

    def report(self, check: bool) -> dict[str, Any]:
        """What happened, for the person who imports."""
        gone = {kind: self._absent(kind) for kind in KINDS}
        return {
            "source": self._doc.source,
            "check": check,
            "kinds": {
                kind: {n: self.counts[kind][n] for n in ("created", "changed", "unchanged", "ended")}
                | {"absent": len(gone[kind])}
                for kind in COUNTED
            },
            "absent": {kind: ids[:ABSENT_SHOWN] for kind, ids in gone.items() if ids and kind in COUNTED},
            "findings": self.findings,
        }

    def _absent(self, kind: str) -> list[str]:
        if self._doc.scope.get(kind) != "bulk":
            return []
        return sorted(set(self._known(kind)) - set(self.remembered[kind]) - self.forgotten[kind])

    # -- years, disciplines, calendars --------------------------------------------------------------------------

    def _take_years(self) -> None:
        """Years by id, else by title: a year entered by hand and that of the file are one, so that S1 sees both."""
        by_title = {y.title.casefold(): y.year for y in self._years.values()}
        for record in self._doc.years:
            known = record.id if record.id in self._years else by_title.get(record.title.casefold())
            id_ = self._year_ids[record.id] = known or record.id
            by_title.setdefault(record.title.casefold(), id_)
            self.remembered["years"][record.id] = {"year": id_}
            held = self._years.get(id_)
            self._years[id_] = self._year(record, id_, held)
        for period in self._doc.periods:
            year = self._years.get(self._year_ids.get(period.year_id, ""))
            if year is not None:
                self._years[year.year] = _widened(year, period.starts_on, period.ends_on)
        named = {self._year_ids[record.id] for record in self._doc.years}
        for id_, wanted in self._years.items():
            before = self._stored.catalogue.years.get(id_)
            if wanted != before:
                self.entries.append(wanted)
            if wanted != before or id_ in named:
                self._count("years", before, wanted)

    def _year(self, record: "YearOf", id_: str, held: AcademicYearOpened | None) -> AcademicYearOpened:
        if held is None:
            return AcademicYearOpened(year=id_, title=record.title, starts_on=record.starts_on, ends_on=record.ends_on)
        if record.derived or id_ != record.id:
            return _widened(held, record.starts_on, record.ends_on)
        fresh = held.model_copy(
            update={"title": record.title, "starts_on": record.starts_on, "ends_on": record.ends_on}
        )
        periods = [p for calendar in self._calendars.values() for p in calendar.values() if p.year == id_]
        for period in periods:
            fresh = _widened(fresh, period.starts_on, period.ends_on)
        return fresh

    def _take_discipline(self, record: "DisciplineOf") -> None:
        held = self._stored.catalogue.disciplines.get(record.id)
        if held is None:
            kind = next(
                (kind for prefix, kind in CODES.items() if record.code.upper().startswith(prefix)), "discipline"
            )
            wanted = DisciplineAdded(discipline=record.id, code=record.code, title=record.name, kind=kind)
        elif record.derived:
            wanted = held
        else:
            wanted = held.model_copy(update={"code": record.code, "title": record.name})
        if wanted != held:
            self.entries.append(wanted)
        self._disciplines.add(record.id)
        self.remembered["disciplines"][record.id] = {}
        self._count("disciplines", held, wanted)

    def _take_group(self, record: "GroupOf") -> None:
        discipline, its = self._groups.get(record.id, (None, ()))
        self._groups[record.id] = merged = (record.discipline_id or discipline, record.period_ids or its)
        data = {"discipline": merged[0], "periods": list(merged[1])}
        self.remembered["groups"][record.id] = data

    def _take_periods(self) -> None:
        """The document's periods in the calendar of every group that has them."""
        records = {record.id: record for record in self._doc.periods}
        where = {group.id: group.where for group in self._doc.groups}
        for group, (_, its) in self._groups.items():
            calendar = self._calendars.setdefault(group, {})
            for id_ in its:
                record = records.get(id_)
                if record is not None:
                    self._take_period(group, calendar, record)
                elif group in where and period_id(group, id_) not in calendar:
                    self._find("period-unknown", where[group])
        for record in self._doc.periods:
            self.remembered["periods"][record.id] = {}

    def _take_period(self, group: str, calendar: dict[str, PeriodDefined], record: "PeriodOf") -> None:
        id_ = period_id(group, record.id)
        held, year = calendar.get(id_), self._year_ids.get(record.year_id)
        if year is None or year not in self._years:
            self._find("year-unknown", record.where)
            return
        if held is not None and held.year != year:
            self._find("period-elsewhere", record.where)
            return
        fresh = {"title": record.title, "starts_on": record.starts_on, "ends_on": record.ends_on}
        wanted = (
            PeriodDefined(period=id_, year=year, group=group, kind="semester", **fresh)
            if held is None
            else held.model_copy(update=fresh)
        )
        if wanted != held:
            self.periods.setdefault(group, []).append(wanted)
        calendar[id_] = wanted
        self._count("periods", held, wanted)

    # -- teaching -----------------------------------------------------------------------------------------------

    def _take_teaching(self) -> None:
        ended: dict[str, list[TeachingAssigned]] = {}
        wanted: dict[str, list[TeachingAssigned]] = {}
        passed_on: list[tuple[str, load.Reassign, str]] = []
        gone = {r.id for r in self._doc.deleted if r.kind in ("teaching", "groups")}
        for id_, data in self._known("teaching").items():
            if id_ in gone or data["group"] in gone:
                self._end(id_, data["group"], data["periods"], ended)
                self.forgotten["teaching"].add(id_)
        for record in self._doc.teaching:
            discipline, its = self._groups.get(record.group_id, (None, ()))
            discipline, its = record.discipline_id or discipline, record.period_ids or its
            if discipline is None or not its:
                self._find("group-unknown", record.where)
                continue
            if discipline not in self._disciplines:
                self._find("discipline-unknown", record.where)
                continue
            data = {"group": record.group_id, "periods": list(its), "teacher": record.person_id}
            self.remembered["teaching"][record.id] = data
            if not record.active:
                self._end(record.id, record.group_id, its, ended)
                continue
            met = [self._teach(record, discipline, period, ended, wanted, passed_on) for period in its]
            if False in met and True not in met:
                self._find("teaching-outside", record.where)
        for year in {**ended, **wanted}:
            self._assign(year, ended.get(year, []), wanted.get(year, []))
        for year, wish, where in passed_on:
            self._pass_on(year, wish, where)

    def _teach(
        self,
        record: "TeachingOf",
        discipline: str,
        its_period: str,
        ended: dict[str, list[TeachingAssigned]],
        wanted: dict[str, list[TeachingAssigned]],
        passed_on: list[tuple[str, load.Reassign, str]],
    ) -> bool | None:
        """One teacher of a document in one period; whether his dates meet it, None if it is not known."""
        period = self._calendars.get(record.group_id, {}).get(period_id(record.group_id, its_period))
        if period is None:
            self._find("period-unknown", record.where)
            return None
        id_ = assignment_id(record.id, its_period)
        held = self._held(period.year, id_)
        first = max(record.starts_on or period.starts_on, period.starts_on)
        last = record.ends_on if record.ends_on is not None and record.ends_on < period.ends_on else None
        if (last or period.ends_on) < first:
            self._end(record.id, record.group_id, [its_period], ended)
            return False
        fresh = {"responsible": record.responsible, "starts_on": first, "ends_on": last}
        before = self._known("teaching").get(record.id, {}).get("teacher")
        same = held is not None and before == record.person_id and held.fact == held.fact.model_copy(update=fresh)
        if record.person_id == self._importer and not same:
            self._find("own-assignment", record.where)
            return None
        if held is None:
            fact = TeachingAssigned(
                assignment=id_,
                group=record.group_id,
                discipline=discipline,
                period=period.period,
                teacher=record.person_id,
                **fresh,
            )
        else:
            fact = held.fact.model_copy(update=fresh)
            if before is not None and before != record.person_id:
                on = max(self._today, first)
                wish = load.Reassign(id_, record.person_id, on, "other")
                passed_on.append((period.year, wish, record.where))
        wanted.setdefault(period.year, []).append(fact)
        self._where[id_] = record.where
        return True

    def _end(self, teaching: str, group: str, its: Iterable[str], ended: dict[str, list[TeachingAssigned]]) -> None:
        """The teaching's assignments end with yesterday, those yet to begin before they do."""
        for its_period in its:
            period = self._calendars.get(group, {}).get(period_id(group, its_period))
            held = period and self._held(period.year, assignment_id(teaching, its_period))
            if period is None or not held:
                continue
            if held.fact.ends_on is not None and held.fact.ends_on < self._today:
                self.counts["teaching"]["unchanged"] += 1
                continue
            last = max(self._today, held.fact.starts_on) - DAY
            if last < period.ends_on:
                ended.setdefault(period.year, []).append(held.fact.model_copy(update={"ends_on": last}))
                self.counts["teaching"]["ended"] += 1

    def _assign(self, year: str, ended: list[TeachingAssigned], wanted: list[TeachingAssigned]) -> None:
        """Ends first, so that who was responsible makes room for who is now."""
        state = self._stored.years.get(year) or Year()
        now = {a.fact.assignment: a.fact for a in state.assignments.values()}
        now |= {fact.assignment: fact for fact in (*ended, *(f for f in wanted if not f.responsible))}
        facts = [*ended, *(f for f in wanted if not f.responsible)]
        responsible: dict[tuple[str, str, str], list[TeachingAssigned]] = {}
        for fact in now.values():
            if fact.responsible:
                responsible.setdefault((fact.group, fact.discipline, fact.period), []).append(fact)
        for fact in (f for f in wanted if f.responsible):
            page = responsible.setdefault((fact.group, fact.discipline, fact.period), [])
            others = [o for o in page if o.assignment != fact.assignment]
            if any(load.meet(fact, other) for other in others):
                fact = fact.model_copy(update={"responsible": False})
                self._find("responsible-kept", self._where[fact.assignment])
            else:
                page[:] = [*others, fact]
            facts.append(fact)
        for fact in facts:
            held = state.assignments.get(fact.assignment)
            if fact.assignment in self._where:
                self._count("teaching", held and held.fact, fact)
        every = {p.period: p for calendar in self._calendars.values() for p in calendar.values()}
        if events := load.assign(state, facts, every):
            self.load.setdefault(year, []).extend(events)

    def _pass_on(self, year: str, wish: load.Reassign, where: str) -> None:
        state = self._stored.years[year].copy()
        for event in self.load.get(year, ()):
            state.take(event)
        try:
            events = load.reassign(state, wish)
        except Problem as refused:
            self._find("teacher-refused", where, why_ru=refused.title.ru, why_en=refused.title.en)
            return
        if events:
            self.load.setdefault(year, []).extend(events)
            self.counts["teaching"]["changed"] += 1

    # -- small things -------------------------------------------------------------------------------------------

    def _held(self, year: str, assignment: str) -> Assignment | None:
        state = self._stored.years.get(year)
        return state.assignments.get(assignment) if state else None

    def _known(self, kind: str) -> dict[str, dict[str, Any]]:
        return self._stored.known.get(kind, {})

    def _count(self, kind: str, held: object, wanted: object) -> None:
        self.counts[kind]["created" if held is None else "unchanged" if held == wanted else "changed"] += 1

    def _find(self, code: str, where: str, **words: str) -> None:
        severity, ru, en = SENTENCES[code]
        finding = {"where": where, "severity": severity, "code": code}
        self.findings.append(finding | {"ru": ru.format(**words), "en": en.format(**words)})


def _widened(year: AcademicYearOpened, first: date, last: date) -> AcademicYearOpened:
    if year.starts_on <= first and last <= year.ends_on:
        return year
    dates = {"starts_on": min(year.starts_on, first), "ends_on": max(year.ends_on, last)}
    return year.model_copy(update=dates)
