"""The accounts of the demo college: one for every role and special case, with what to try first.

All have the same password, which is no secret: accounts of people marked as demo take nobody in from another machine.
"""

from typing import Final, NamedTuple

from services.demo.enlisting import ADMINISTRATOR
from services.demo.hints import hints
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
    """The accounts, staff first. Who would be a second one of the same person is left out."""
    first, said = plan.groups[0], hints(plan)
    made: dict[str, Account] = {}

    def add(login: str, person: str, ru: str, en: str) -> None:
        made.setdefault(person, Account(login, person, Text(ru, en), plan.people[person].short, said[login]))

    add("admin", "administrator", "администратор журнала", "journal administrator")
    add("deputy", "deputy", "заместитель директора", "deputy director")
    add("director", "director", "директор", "director")
    add("office", "office", "учебная часть", "study office")
    add("teacher", plan.dot.teacher, "преподаватель", "teacher")
    add("teacher2", plan.neglected.load.teachers[0], "преподаватель", "teacher")
    add("teacher3", plan.substitutions[0].teacher, "преподаватель на замене", "substitute teacher")
    curated = next(curator for g in plan.groups if (curator := plan.curators[g.key]) not in made)
    add("curator", curated, "куратор и преподаватель", "curator and teacher")
    add("master", plan.loads_of(first)[-1].teachers[0], "мастер производственного обучения", "workshop instructor")
    add("teacher4", plan.teacher_student[0], "преподаватель и студент", "teacher and student")
    add("student", plan.transfer.student, "студент", "student")
    adult = first.students[1]
    add("adult", adult, "совершеннолетний студент", "adult student")
    links: dict[str, list[str]] = {}
    for link in plan.links:
        links.setdefault(link.guardian, []).append(link.student)
    two = next(guardian for guardian, children in links.items() if len(children) > 1)
    add("parent", two, "мать двух студентов", "mother of two students")
    ended = next(guardian for guardian, children in links.items() if adult in children)
    add("parent2", ended, "мать совершеннолетнего", "mother of an adult")
    add("auditor", "auditor", "аудитор", "auditor")
    return list(made.values())


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
