"""Dated lessons and the load behind them: "my lessons" of a teacher, a group, a student.

Who holds a lesson is resolved on reading: its substitute, else whose the assignment is on its day. The subgroup of a
student comes from identity's log; those rows stay apart and are joined on reading. A student whom no split in force
names is shown the lessons of all subgroups.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import orjson

from contracts.events import identity
from contracts.events import schedule as e
from services.kit.log.eventlog import Recorded
from services.kit.view import Change, Drop, Put, Table, View
from services.schedule.views.listing import Column, Filter, Listing

FROM_THE_START = date.min


def changes(log: str, event: Any, _: Recorded) -> Iterable[Change]:
    """What an event of schedule or identity puts into the lessons, the load and the splits."""
    match event:
        case e.LessonPlanned():
            yield Put(
                "lesson",
                (event.lesson,),
                {
                    "timetable": event.timetable,
                    "study_group": event.group,
                    "discipline": event.discipline,
                    "period": event.period,
                    "assignment": event.assignment,
                    "subgroup": event.subgroup,
                    "day": event.date,
                    "pair": event.pair,
                    "hours": event.hours,
                    "kind": event.kind,
                    "room": event.room,
                    "joint": event.joint,
                },
            )
        case e.LessonMoved():
            values = {"day": event.date, "pair": event.pair, "room": event.room, "moved": True, "reason": event.reason}
            yield Put("lesson", (event.lesson,), values)
        case e.LessonCancelled() if event.reason == "timetable":
            yield Drop("lesson", (event.lesson,))
        case e.LessonCancelled():
            yield Put("lesson", (event.lesson,), {"cancelled": True, "reason": event.reason})
        case e.LessonSubstituted():
            yield Put("lesson", (event.lesson,), {"substitute": event.teacher, "reason": event.reason})
        case e.TeachingAssigned():
            values = event.model_dump(
                include={"discipline", "period", "subgroup", "hours", "responsible", "starts_on", "ends_on"}
            )
            kinds = {"kinds": orjson.dumps(event.kinds).decode()}
            yield Put("assignment", (event.assignment,), {"study_group": event.group, **values, **kinds})
            yield Put("holder", (event.assignment, FROM_THE_START), {"teacher": event.teacher})
        case e.TeachingReassigned():
            yield Put("holder", (event.assignment, event.on), {"teacher": event.teacher})
        case identity.SubgroupAgreed():
            members = {student: number for number, students in event.subgroups.items() for student in students}
            yield Put(
                "split",
                (event.split,),
                {
                    "study_group": event.group,
                    "discipline": event.discipline,
                    "starts_on": event.starts_on,
                    "members": orjson.dumps(members).decode(),
                },
            )


VIEW = View(
    name="lessons",
    version=1,
    tables={
        "lesson": Table(
            {"lesson": "text"},
            {
                "timetable": "text",
                "study_group": "text",
                "discipline": "text",
                "period": "text",
                "assignment": "text",
                "subgroup": "text",
                "day": "date",
                "pair": "int",
                "hours": "int",
                "kind": "text",
                "room": "text",
                "joint": "text",
                "moved": "bool not null default false",
                "cancelled": "bool not null default false",
                "substitute": "text",
                "reason": "text",
            },
            ("study_group, day", "assignment, day", "substitute, day", "day"),
        ),
        "assignment": Table(
            {"assignment": "text"},
            {
                "study_group": "text",
                "discipline": "text",
                "period": "text",
                "subgroup": "text",
                "kinds": "text",
                "hours": "int",
                "responsible": "bool",
                "starts_on": "date",
                "ends_on": "date",
            },
            ("study_group",),
        ),
        "holder": Table({"assignment": "text", "starts_on": "date"}, {"teacher": "text"}, ("teacher",)),
        "split": Table(
            {"split": "text"},
            {"study_group": "text", "discipline": "text", "starts_on": "date", "members": "text"},
            ("study_group, discipline",),
        ),
    },
    logs={"schedule": e.EVENTS, "identity": identity.EVENTS},
    changes=changes,
)

LESSONS = Listing(
    (
        Column("id", "l.lesson"),
        Column("date", "l.day", "Дата"),
        Column("pair", "l.pair", "Пара"),
        Column("starts", "b.starts", "Начало"),
        Column("ends", "b.ends", "Конец"),
        Column("group", "l.study_group"),
        Column("subgroup", "l.subgroup", "Подгруппа"),
        Column("discipline", "l.discipline"),
        Column("code", "d.code", "Код"),
        Column("title", "d.title", "Дисциплина"),
        Column("kind", "l.kind", "Вид занятия"),
        Column("hours", "l.hours", "Часов"),
        Column("room", "l.room"),
        Column("room_title", "r.title", "Кабинет"),
        Column("period", "l.period"),
        Column("assignment", "l.assignment"),
        Column("teacher", "coalesce(l.substitute, h.teacher)"),
        Column("regular_teacher", "h.teacher"),
        Column("substituted", "l.substitute is not null and l.substitute <> h.teacher", "Замена"),
        Column("moved", "l.moved", "Перенос"),
        Column("cancelled", "l.cancelled", "Отменено"),
        Column("reason", "l.reason"),
        Column("joint", "l.joint"),
    ),
    "from lessons.lesson l"
    " left join lateral (select teacher from lessons.holder h where h.assignment = l.assignment"
    " and h.starts_on <= l.day order by h.starts_on desc limit 1) h on true"
    " left join catalogue.discipline d on d.discipline = l.discipline"
    " left join catalogue.room r on r.room = l.room"
    " left join lateral (select v.bell ->> 'starts' as starts, v.bell ->> 'ends' as ends"
    " from jsonb_array_elements((select bells::jsonb from catalogue.bells c where c.starts_on <= l.day"
    " order by c.starts_on desc limit 1)) v (bell) where (v.bell ->> 'pair')::int = l.pair) b on true",
    "l.day, l.pair, l.study_group, l.subgroup, l.lesson",
    "lessons",
    page=True,
)

ASSIGNMENTS = Listing(
    (
        Column("id", "a.assignment"),
        Column("group", "a.study_group"),
        Column("subgroup", "a.subgroup", "Подгруппа"),
        Column("discipline", "a.discipline"),
        Column("code", "d.code", "Код"),
        Column("title", "d.title", "Дисциплина"),
        Column("period", "a.period"),
        Column("teacher", "h.teacher"),
        Column("responsible", "a.responsible", "Ответственный"),
        Column("kinds", "a.kinds", raw=True),
        Column("starts_on", "a.starts_on", "С"),
        Column("ends_on", "a.ends_on", "По"),
        Column("planned", "a.hours", "Часов по плану"),
        Column(
            "timetabled",
            "(select coalesce(sum(l.hours), 0)::int from lessons.lesson l"
            " where l.assignment = a.assignment and not l.cancelled)",
            "Часов в расписании",
        ),
    ),
    "from lessons.assignment a"
    " left join lateral (select teacher from lessons.holder h where h.assignment = a.assignment"
    " and h.starts_on <= %s order by h.starts_on desc limit 1) h on true"
    " left join catalogue.discipline d on d.discipline = a.discipline",
    "d.code, a.discipline, a.study_group, a.subgroup, a.assignment",
    "assignments",
    page=True,
)


class Membership(NamedTuple):
    """A student's days in a group, both included; None: open."""

    group: str
    starts_on: date
    ends_on: date | None


def of_teacher(teacher: str) -> tuple[str, list[Any]]:
    """Lessons that the person holds, and those of his that a substitute holds."""
    return (
        "l.substitute = %s or (l.assignment in (select assignment from lessons.holder where teacher = %s)"
        " and h.teacher = %s)",
        [teacher, teacher, teacher],
    )


def of_student(student: str, memberships: Sequence[Membership]) -> tuple[str, list[Any]]:
    """Lessons of the groups on the student's days there, of his own subgroup."""
    return (
        "exists (select 1 from unnest(%s::text[], %s::date[], %s::date[]) m (g, since, until)"
        " where m.g = l.study_group and l.day >= m.since and (m.until is null or l.day <= m.until))"
        " and (l.subgroup = '' or coalesce((select s.members::jsonb ->> %s from lessons.split s"
        " where s.study_group = l.study_group and s.discipline = l.discipline and s.starts_on <= l.day"
        " order by s.starts_on desc, s.split limit 1), l.subgroup) = l.subgroup)",
        [
            [m.group for m in memberships],
            [m.starts_on for m in memberships],
            [m.ends_on for m in memberships],
            student,
        ],
    )


def any_of(where: Filter, *conditions: tuple[str, list[Any]]) -> None:
    """Add the conditions to the filter, joined by OR."""
    where.add(" or ".join(f"({text})" for text, _ in conditions), *(p for _, params in conditions for p in params))
