"""What whoever signs in to the demo college tries first: a sentence per account, fitting the demo's moment.

Terminal and start page show the sentences as they are.
"""

from datetime import date
from typing import Final

from services.demo.plan import Plan
from services.demo.shapes import Page
from services.kit.problems import Text

ALWAYS: Final = {
    "admin": Text(
        "Посмотрите, у кого какие роли и коды доступа: отметок администратор не видит.",
        "See who has which roles and codes: the administrator sees no grades.",
    ),
    "adult": Text("Откройте свою карточку и уведомления.", "Open your card and the inbox."),
    "parent": Text("Сравните карточки своих двоих детей.", "Compare the cards of your two children."),
    "parent2": Text(
        "Убедитесь, что доступ закончился в день 18-летия сына или дочери.",
        "See that access has ended on the child's 18th birthday.",
    ),
    "auditor": Text(
        "Откройте историю страницы: имён аудитор не видит.", "Open the history of a page: the auditor sees no names."
    ),
}


def hints(plan: Plan) -> dict[str, Text]:
    """{login: the sentence}, for every account that a plan can have."""
    moment = {"week": _week, "finals": _finals, "closed": _closed}[plan.at]
    studied, moved = plan.teacher_student[1].key, plan.transfer
    both = {
        "teacher4": Text(
            f"Откройте и свои страницы, и свою карточку студента группы {studied}.",
            f"Open both your pages and your own card as a student of {studied}.",
        ),
        "student": Text(
            f"Откройте свою карточку: отметки перенесены из группы {moved.left.key}.",
            f"Open your card: the grades were carried over from {moved.left.key}.",
        ),
    }
    return {**ALWAYS, **both, **_substitute(plan), **moment(plan)}


def _substitute(plan: Plan) -> dict[str, Text]:
    """The substitute teacher of today, or the latest one, and the study office that sent him."""
    lesson = plan.substitutions[0].lesson
    group, on = lesson.page.load.group.key, _day(lesson.date)
    office = Text(f"Посмотрите замену в расписании на {on}.", f"See the substitution in the timetable of {on}.")
    if plan.at == "closed":
        return {
            "office": office,
            "teacher3": Text(
                f"Найдите занятие {on} в группе {group}, которое вы провели по замене.",
                f"Find the lesson of {on} in {group} that you held as a substitute.",
            ),
        }
    return {
        "office": office,
        "teacher3": Text(
            f"Заполните занятие по замене: {on}, пара {lesson.pair}, группа {group}.",
            f"Enter the lesson that you take over: {on}, pair {lesson.pair}, {group}.",
        ),
    }


def _week(plan: Plan) -> dict[str, Text]:
    dot, unclosed = plan.dot, plan.unclosed
    return {
        "deputy": Text(
            f"Закройте страницу {_of(unclosed)} за прошлый период.", f"Close the page {_on(unclosed)}, past period."
        ),
        "director": Text("Откройте сводки групп за прошлый период.", "Open the summaries of the groups, past period."),
        "teacher": Text(
            f"Замените точку от {_day(dot.date)} отметкой: {_of(dot.page)}.",
            f"Replace the dot of {_day(dot.date)} by a grade: {_on(dot.page)}.",
        ),
        "teacher2": Text(
            f"Заполните пропущенные занятия: {_of(plan.neglected)}.",
            f"Enter the lessons that are missing: {_on(plan.neglected)}.",
        ),
        "curator": Text("Откройте сводку и пропуски своей группы.", "Open the summary and the absences of your group."),
        "master": Text(
            f"Откройте страницу практики: {_of(_practice(plan))}.",
            f"Open the page of practice: {_on(_practice(plan))}.",
        ),
    }


def _finals(plan: Plan) -> dict[str, Text]:
    dot, neglected, until = plan.dot.page, plan.neglected, _day(plan.calendar.running.finals_on)
    return {
        "deputy": Text(
            f"Посмотрите, на каких страницах ещё нет итоговых: срок {until}.",
            f"See which pages have no finals yet: they are due by {until}.",
        ),
        "director": Text(
            f"Откройте сводки групп: итоговые выставляют до {until}.",
            f"Open the summaries of the groups: finals are due by {until}.",
        ),
        "teacher": Text(
            f"Довыставьте итоговые до {until}: {_of(dot)}, одному студенту мешает точка.",
            f"Set the remaining finals by {until}: {_on(dot)}; a dot stands in one student's way.",
        ),
        "teacher2": Text(
            f"Предложите и выставьте итоговые до {until}: {_of(neglected)}.",
            f"Propose and set the finals by {until}: {_on(neglected)}.",
        ),
        "curator": Text(
            "Посмотрите в сводке своей группы, у кого ещё нет итоговых.",
            "See in the summary of your group who has no finals yet.",
        ),
        "master": _practice_finals(plan, until),
    }


def _practice_finals(plan: Plan, until: str) -> Text:
    page = _practice(plan)
    if plan.finals(page) == "all":
        return Text(f"Проверьте итоговые по практике: {_of(page)}.", f"Check the finals of the practice: {_on(page)}.")
    return Text(
        f"Выставьте итоговые по практике до {until}: {_of(page)}.",
        f"Set the finals of the practice by {until}: {_on(page)}.",
    )


def _closed(plan: Plan) -> dict[str, Text]:
    dot, neglected, practice = plan.dot, plan.neglected, _practice(plan)
    return {
        "deputy": Text(
            f"Закройте страницу {_of(plan.unclosed)} и решите, что делать с двумя незавершёнными.",
            f"Close the page {_on(plan.unclosed)} and decide on the two that are unfinished.",
        ),
        "director": Text(
            "Откройте сводки групп за закрытый период.", "Open the summaries of the groups for the closed period."
        ),
        "teacher": Text(
            f"Посмотрите, почему не закрыта страница {_of(dot.page)}: точка от {_day(dot.date)}.",
            f"See why the page {_on(dot.page)} is not closed: the dot of {_day(dot.date)}.",
        ),
        "teacher2": Text(
            f"Посмотрите, почему итоговые теперь разрешает заместитель: {_of(neglected)}.",
            f"See why finals need the deputy's permission now: {_on(neglected)}.",
        ),
        "curator": Text(
            "Откройте итоги своей группы за закрытый период.", "Open the finals of your group for the closed period."
        ),
        "student": Text(
            "Посмотрите итоговые закрытого периода в своей карточке.",
            "See the finals of the closed period on your card.",
        ),
        "master": Text(
            f"Посмотрите, кто может исправить закрытую страницу: {_of(practice)}.",
            f"See who can correct a closed page: {_on(practice)}.",
        ),
    }


def _practice(plan: Plan) -> Page:
    """The page of practice of the first group, in the running period."""
    return Page(plan.loads_of(plan.groups[0])[-1], plan.calendar.running)


def _of(page: Page) -> str:
    return f"{page.load.course.code}, группа {page.load.group.key}"


def _on(page: Page) -> str:
    return f"{page.load.course.code}, group {page.load.group.key}"


def _day(day: date) -> str:
    return f"{day:%d.%m}"
