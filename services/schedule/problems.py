"""The refusals of schedule."""

from contracts.events.schedule import LessonKind
from services.kit.problems import Problem, Text


class NameTaken(Problem):
    code, status = "name-taken", 409
    title = Text("Такое название уже есть", "The name is taken")
    detail = Text("«{name}» уже есть в этом списке.", "“{name}” is in this list already.")
    next = Text("Возьмите имеющееся или назовите иначе.", "Take the one there is, or choose another name.")


THINGS = {
    "academic_year": Text("учебный год", "academic year"),
    "period": Text("период", "period"),
    "discipline": Text("дисциплина", "discipline"),
    "assignment": Text("нагрузка", "teaching assignment"),
    "room": Text("кабинет", "room"),
}
LESSON_KINDS: dict[LessonKind, Text] = {
    "lecture": Text("лекция", "lecture"),
    "practical": Text("практическое занятие", "practical"),
    "laboratory": Text("лабораторная работа", "laboratory"),
    "seminar": Text("семинар", "seminar"),
    "practice": Text("практика", "practice"),
    "coursework": Text("курсовая работа", "coursework"),
    "consultation": Text("консультация", "consultation"),
    "exam": Text("экзамен", "exam"),
}


class ReferenceUnknown(Problem):
    """`what`: one of `THINGS`."""

    code, status = "reference-unknown", 409
    title = Text("Ссылка на неизвестное", "It refers to something unknown")
    detail = Text("Не найдено: {what} {id}.", "Not found: {what} {id}.")
    next = Text("Сначала заведите его в расписании или исправьте ссылку.", "Add it to the schedule or correct the id.")

    def __init__(self, what: str, id: str) -> None:
        super().__init__(what=THINGS[what], id=id)


class PeriodElsewhere(Problem):
    code, status = "period-elsewhere", 409
    title = Text("Период уже занят другой группой или годом", "The period belongs to another group or year")
    detail = Text(
        "Период {period} уже заведён для другой группы или другого учебного года.",
        "Period {period} is already defined for another group or another academic year.",
    )
    next = Text("Заведите новый период с новым номером.", "Define a new period under a new id.")


class OutsideYear(Problem):
    code, status = "outside-year", 409
    title = Text("Период выходит за учебный год", "The period reaches beyond the academic year")
    detail = Text(
        "Учебный год длится с {starts_on} по {ends_on}.", "The academic year lasts from {starts_on} to {ends_on}."
    )
    next = Text("Исправьте даты периода.", "Correct the dates of the period.")


class OutsidePeriod(Problem):
    code, status = "outside-period", 409
    title = Text("Даты вне учебного периода", "The dates are outside the period")
    detail = Text(
        "Учебный период длится с {starts_on} по {ends_on}.", "The period lasts from {starts_on} to {ends_on}."
    )
    next = Text("Выберите даты внутри периода или измените период.", "Choose dates within it, or change the period.")


class OutsideAssignment(Problem):
    code, status = "assignment-not-in-force", 409
    title = Text("Нагрузка в этот день не действует", "The assignment is not in force that day")
    detail = Text(
        "Нагрузка действует с {starts_on} по {ends_on}.", "The assignment is in force from {starts_on} to {ends_on}."
    )
    next = Text("Выберите другой день или измените нагрузку.", "Choose another day, or change the assignment.")


class ResponsibleTaken(Problem):
    code, status = "responsible-taken", 409
    title = Text("Ответственный преподаватель уже назначен", "There is a responsible teacher already")
    detail = Text(
        "Итоговые оценки на странице ставит один ответственный преподаватель; это нагрузка {assignment}.",
        "One responsible teacher sets the finals of a page; that is assignment {assignment}.",
    )
    next = Text("Назначьте без признака «ответственный».", "Assign without `responsible`.")
    clause = "R 4.4.5"


class OwnPage(Problem):
    code, status = "own-assignment", 403
    title = Text("Себе нагрузку не назначают", "Nobody gives a page to himself")
    detail = Text(
        "Нагрузку и замены на своё имя назначает другой сотрудник.",
        "Another member of staff assigns teaching and substitutions in your name.",
    )
    next = Text("Попросите заместителя директора или учебную часть.", "Ask the deputy director or the study office.")


class NotLater(Problem):
    code, status = "reassignment-not-later", 409
    title = Text("Уже есть более поздняя передача нагрузки", "The assignment has passed on later already")
    detail = Text(
        "Последний преподаватель ведёт нагрузку с {since}.", "The latest teacher has the assignment since {since}."
    )
    next = Text("Назовите более поздний день.", "Name a later day.")


class KindNotAssigned(Problem):
    code, status = "kind-not-assigned", 409
    title = Text("Вид занятия не входит в нагрузку", "The assignment does not cover that kind of lesson")
    detail = Text("Нагрузка {assignment} не включает вид «{kind}».", "Assignment {assignment} does not cover {kind}.")
    next = Text("Выберите другую нагрузку или другой вид занятия.", "Choose another assignment or kind.")

    def __init__(self, assignment: str, kind: LessonKind) -> None:
        super().__init__(assignment=assignment, kind=LESSON_KINDS[kind])


class Clash(Problem):
    """`clashes` lists what meets: [{date, pair, what: group | teacher | room, lesson?, assignment, with}]."""

    code, status = "clash", 409
    title = Text("Накладка в расписании", "The timetable clashes")
    detail = Text(
        "Группа, преподаватель и кабинет бывают в одно время только в одном месте; накладок: {count}.",
        "A group, a teacher and a room are in one place at a time; clashes: {count}.",
    )
    next = Text("Измените пару, кабинет или преподавателя.", "Change the slot, the room or the teacher.")
    clause = "R 4.5.2"


class NothingLeft(Problem):
    code, status = "nothing-left", 409
    title = Text("Заменять уже нечего", "There is nothing left to replace")
    detail = Text(
        "Новое расписание заменяет только будущие занятия, а {ends_on} уже прошло или наступило.",
        "A timetable published again replaces future lessons only, and {ends_on} is past or today.",
    )
    next = Text("Назовите более поздний конец.", "Name a later end.")


class LessonOver(Problem):
    code, status = "lesson-over", 409
    title = Text("Занятие уже прошло", "The lesson is over")
    detail = Text(
        "Переносят и отменяют только сегодняшние и будущие занятия, и только на сегодня или позже.",
        "Only lessons of today or later are moved or cancelled, and only to today or later.",
    )
    next = Text("Отразите изменение в журнале.", "Record the change in the journal.")
    clause = "R 4.5.2"


class LessonCalledOff(Problem):
    code, status = "lesson-cancelled", 409
    title = Text("Занятие отменено", "The lesson is cancelled")
    detail = Text("Отменённое занятие не меняют.", "A cancelled lesson is not changed.")
    next = Text("Выберите другое занятие.", "Choose another lesson.")


class BadRows(Problem):
    """`findings`: [{where, code, ru, en}] of the rows that cannot be imported."""

    code, status = "bad-rows", 409
    title = Text("Есть ошибочные строки", "There are bad rows")
    detail = Text("Строк с ошибками: {count}. Ничего не записано.", "Bad rows: {count}. Nothing was written.")
    next = Text("Исправьте их или загрузите остальное с skip_bad.", "Correct them, or import the rest with skip_bad.")
