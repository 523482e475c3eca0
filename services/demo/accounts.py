"""The accounts of the demo college: one for every role and special case, with what to try first.

All have the same password, which is no secret: accounts of people marked as demo take nobody in from another machine.
"""

from typing import Final, NamedTuple

from services.demo.enlisting import ADMINISTRATOR
from services.demo.plan import Plan
from services.demo.stage import Stage
from services.identity.accounts import issue_code, may_issue
from services.identity.commands import Tx
from services.kit.problems import Text

PASSWORD: Final = "snow-in-barnaul"  # noqa: S105 - printed for everybody
LOOPBACK: Final = "127.0.0.1"


class Account(NamedTuple):
    """A line of the table that is printed. `person` is a key of the plan."""

    login: str
    person: str
    role: Text
    name: str
    hint: Text

    def row(self, language: str = "ru") -> tuple[str, ...]:
        """Role, name, login, what to try first."""
        n = int(language == "en")
        return self.role[n], self.name, self.login, self.hint[n]


def accounts(plan: Plan) -> list[Account]:
    """The accounts, staff first."""
    made: list[Account] = []
    taken: set[str] = set()

    def add(login: str, person: str, role: Text, hint: Text) -> None:
        taken.add(person)
        made.append(Account(login, person, role, plan.people[person].short, hint))

    first, second = plan.groups[0], plan.groups[1]
    today, moved = plan.substitutions[0], plan.transfer
    gaps = next(load for load in plan.loads_of(second) if load.course.area == "mathematics")
    add(
        "admin",
        "administrator",
        Text("администратор журнала", "journal administrator"),
        Text("люди, роли, коды доступа; отметок не видит", "people, roles, codes; sees no grades"),
    )
    add(
        "deputy",
        "deputy",
        Text("заместитель директора", "deputy director"),
        Text(
            f"закрыть страницу «{plan.unclosed.load.course.title}» группы {first.key} за прошлый период",
            f"close the page {plan.unclosed.load.course.code} of {first.key}, past period",
        ),
    )
    add("director", "director", Text("директор", "director"), Text("сводки групп", "summaries of groups"))
    add(
        "office",
        "office",
        Text("учебная часть", "study office"),
        Text(f"замены в расписании на {plan.calendar.school_day:%d.%m}", "the substitution in the timetable"),
    )
    dotted = plan.dot
    add(
        "teacher",
        dotted.teacher,
        Text("преподаватель", "teacher"),
        Text(
            f"{dotted.page.load.course.code}, {first.key}: заменить точку от {dotted.date:%d.%m} отметкой",
            f"{dotted.page.load.course.code}, {first.key}: replace the dot of {dotted.date:%d.%m}",
        ),
    )
    if gaps.teachers[0] not in taken:
        add(
            "teacher2",
            gaps.teachers[0],
            Text("преподаватель", "teacher"),
            Text(f"незаполненные занятия группы {second.key}", f"lessons of {second.key} not entered yet"),
        )
    if today.teacher not in taken:
        add(
            "teacher3",
            today.teacher,
            Text("преподаватель на замене", "substitute teacher"),
            Text(
                f"занятие {today.lesson.date:%d.%m}, пара {today.lesson.pair}, {today.lesson.page.load.group.key}",
                f"the lesson of {today.lesson.date:%d.%m}, pair {today.lesson.pair}",
            ),
        )
    curated = next(g for g in plan.groups if plan.curators[g.key] not in taken)
    add(
        "curator",
        plan.curators[curated.key],
        Text("куратор и преподаватель", "curator and teacher"),
        Text(f"сводка и пропуски своей группы {curated.key}", f"summary and absences of {curated.key}"),
    )
    practice = plan.loads_of(first)[-1]
    add(
        "master",
        practice.teachers[0],
        Text("мастер производственного обучения", "workshop instructor"),
        Text(f"страница практики {practice.course.code}, {first.key}", f"the practice page of {first.key}"),
    )
    studying, studied = plan.teacher_student
    if studying not in taken:
        add(
            "teacher4",
            studying,
            Text("преподаватель и студент", "teacher and student"),
            Text(f"свои страницы и своя карточка в группе {studied.key}", "own pages and own card"),
        )
    add(
        "student",
        moved.student,
        Text("студент", "student"),
        Text(f"карточка: переведён из {moved.left.key}, отметки перенесены", "card: moved, grades carried over"),
    )
    adult = first.students[1]
    add(
        "adult",
        adult,
        Text("совершеннолетний студент", "adult student"),
        Text("карточка, уведомления", "card, inbox"),
    )
    links: dict[str, list[str]] = {}
    for link in plan.links:
        links.setdefault(link.guardian, []).append(link.student)
    two = next(guardian for guardian, children in links.items() if len(children) > 1)
    add(
        "parent",
        two,
        Text("мать двух студентов", "mother of two students"),
        Text("карточки обоих детей", "the cards of both children"),
    )
    add(
        "parent2",
        next(guardian for guardian, children in links.items() if adult in children),
        Text("мать совершеннолетнего", "mother of an adult"),
        Text("доступ закончился в день 18-летия", "access has ended on the 18th birthday"),
    )
    add(
        "auditor",
        "auditor",
        Text("аудитор", "auditor"),
        Text("история страниц; имён не видит", "history of pages; sees no names"),
    )
    return made


async def activate(stage: Stage) -> None:
    """Codes from those who may give them, and the accounts that their owners make of them. Once per person."""
    plan = stage.plan
    curators = {student: plan.curators[group.key] for group in plan.groups for student in group.students}
    curators |= {link.guardian: curators[link.student] for link in plan.links}
    rows = accounts(plan)
    for n, account in enumerate(rows, 1):
        curator = curators.get(account.person)
        actor, role = (ADMINISTRATOR, "journal_administrator") if curator is None else (curator, "curator")
        await _activate(stage, account, stage.ids[actor], role)
        stage.report("Учётные записи", n, len(rows))


async def _activate(stage: Stage, account: Account, actor: str, role: str) -> None:
    person = stage.ids[account.person]
    async with stage.identity.commands.reading() as tx:
        if await tx.row("select 1 from account where person = %s", (person,)):
            return

    async def do(tx: Tx) -> dict[str, object]:
        if account.person != ADMINISTRATOR:
            await may_issue(tx, person, role)
        return await issue_code(tx, person)

    asked = stage.identity.as_system("demo")
    if account.person != ADMINISTRATOR:
        asked = asked._replace(actor=actor, role=role)
    issued = await stage.identity.execute(asked, do, secret=True)
    await stage.identity.accounts.activate(str(issued.answer["secret"]), account.login, PASSWORD, LOOPBACK)
