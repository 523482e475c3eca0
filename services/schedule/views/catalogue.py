"""The lists of the college: years, periods, rooms, bell times, disciplines, programmes, weekly timetables."""

from collections.abc import Iterable
from typing import Any

import orjson

from contracts.events import schedule as e
from services.kit.log.eventlog import Recorded
from services.kit.view import Change, Put, Table, View
from services.schedule.views.listing import Column, Listing


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


def changes(_: str, event: Any, row: Recorded) -> Iterable[Change]:
    """What an event of schedule puts into the lists. Lists inside a row are JSON texts."""
    match event:
        case e.AcademicYearOpened():
            yield Put("year", (event.year,), event.model_dump(include={"title", "starts_on", "ends_on"}))
        case e.PeriodDefined():
            values = event.model_dump(include={"year", "title", "kind", "starts_on", "ends_on"})
            lists = {"weekend": _text(event.weekend), "holidays": _text(event.holidays)}
            yield Put("period", (event.period,), {"study_group": event.group, **values, **lists})
        case e.RoomAdded():
            yield Put("room", (event.room,), event.model_dump(include={"title", "capacity", "kind"}))
        case e.BellTimesSet():
            yield Put("bells", (event.starts_on,), {"bells": _text([b.model_dump() for b in event.bells])})
        case e.DisciplineAdded():
            yield Put("discipline", (event.discipline,), event.model_dump(include={"code", "title", "kind"}))
        case e.ProgrammeAdopted():
            topics = _text([topic.model_dump() for topic in event.topics])
            hours = sum(topic.hours for topic in event.topics)
            key = (event.group, event.discipline, event.period)
            yield Put("programme", key, {"topics": topics, "topic_count": len(event.topics), "hours": hours})
        case e.TimetablePublished():
            values = {"study_group": event.group, "period": event.period, "ends_on": event.ends_on}
            slots = _text([slot.model_dump() for slot in event.slots])
            yield Put("timetable", (event.timetable, event.starts_on), {**values, "slots": slots})


VIEW = View(
    name="catalogue",
    version=1,
    tables={
        "year": Table({"year": "text"}, {"title": "text", "starts_on": "date", "ends_on": "date"}),
        "period": Table(
            {"period": "text"},
            {
                "year": "text",
                "study_group": "text",
                "title": "text",
                "kind": "text",
                "starts_on": "date",
                "ends_on": "date",
                "weekend": "text",
                "holidays": "text",
            },
            ("study_group",),
        ),
        "room": Table({"room": "text"}, {"title": "text", "capacity": "int", "kind": "text"}),
        "bells": Table({"starts_on": "date"}, {"bells": "text"}),
        "discipline": Table({"discipline": "text"}, {"code": "text", "title": "text", "kind": "text"}),
        "programme": Table(
            {"study_group": "text", "discipline": "text", "period": "text"},
            {"topics": "text", "topic_count": "int", "hours": "int"},
        ),
        "timetable": Table(
            {"timetable": "text", "starts_on": "date"},
            {"study_group": "text", "period": "text", "ends_on": "date", "slots": "text"},
            ("study_group",),
        ),
    },
    logs={"schedule": e.EVENTS},
    changes=changes,
)

YEARS = Listing(
    (
        Column("id", "year"),
        Column("title", "title", "Учебный год"),
        Column("starts_on", "starts_on", "Начало"),
        Column("ends_on", "ends_on", "Конец"),
    ),
    "from catalogue.year",
    "starts_on, year",
    "years",
)
PERIODS = Listing(
    (
        Column("id", "period"),
        Column("year", "year"),
        Column("group", "study_group"),
        Column("title", "title", "Период"),
        Column("kind", "kind", "Вид"),
        Column("starts_on", "starts_on", "Начало"),
        Column("ends_on", "ends_on", "Конец"),
        Column("weekend", "weekend", raw=True),
        Column("holidays", "holidays", raw=True),
    ),
    "from catalogue.period",
    "starts_on, title, period",
    "periods",
)
ROOMS = Listing(
    (
        Column("id", "room"),
        Column("title", "title", "Кабинет"),
        Column("capacity", "capacity", "Мест"),
        Column("kind", "kind", "Вид"),
    ),
    "from catalogue.room",
    "title, room",
    "rooms",
)
BELLS = Listing(
    (Column("starts_on", "starts_on", "Действует с"), Column("bells", "bells", raw=True)),
    "from catalogue.bells",
    "starts_on desc",
    "bells",
)
DISCIPLINES = Listing(
    (
        Column("id", "discipline"),
        Column("code", "code", "Код"),
        Column("title", "title", "Дисциплина"),
        Column("kind", "kind", "Вид"),
    ),
    "from catalogue.discipline",
    "code, title, discipline",
    "disciplines",
)
PROGRAMMES = Listing(
    (
        Column("group", "p.study_group"),
        Column("discipline", "p.discipline"),
        Column("period", "p.period"),
        Column("code", "d.code", "Код"),
        Column("title", "d.title", "Дисциплина"),
        Column("topic_count", "p.topic_count", "Тем"),
        Column("hours", "p.hours", "Часов"),
        Column("topics", "p.topics", raw=True),
    ),
    "from catalogue.programme p left join catalogue.discipline d on d.discipline = p.discipline",
    "d.code, p.discipline, p.period, p.study_group",
    "programmes",
    page=True,
)
TIMETABLES = Listing(
    (
        Column("id", "timetable"),
        Column("group", "study_group"),
        Column("period", "period"),
        Column("starts_on", "starts_on", "Действует с"),
        Column("ends_on", "ends_on", "По"),
        Column("slots", "slots", raw=True),
    ),
    "from catalogue.timetable",
    "starts_on, timetable",
    "timetables",
)
