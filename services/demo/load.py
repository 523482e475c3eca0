"""Loads a demo college into an empty system, through the commands that everybody uses.

Every command's id follows from its key in the plan, and the first one keeps the day of the first start, so a load that
broke off goes on where it was. Accounts come last: nobody signs in to half a college.
"""

from contextlib import AsyncExitStack
from datetime import date
from functools import partial
from typing import Any, NamedTuple

from psycopg.conninfo import make_conninfo

from services.demo import accounts, enlisting, journal, scheduling
from services.demo.calendar import Moment
from services.demo.clock import StagedClock, staged
from services.demo.plan import Plan
from services.demo.shapes import SIZES
from services.demo.stage import MORNING, Report, Stage, command
from services.identity import people
from services.identity.app import SYSTEM
from services.identity.commands import Tx
from services.kit.collecting import uncollected
from services.kit.rebuild import rebuild
from services.store import Store
from services.system import VIEWS, System, assemble

SPARE_PAGES = 10
"""Folded pages kept beside those of a period. Every page is written on in a week; one that has been dropped from
memory would be read again from its first event, which took half of the time of a load."""


class NotEmpty(Exception):
    """The system holds data that is not of this demo college; nothing was loaded."""


class Loaded(NamedTuple):
    """What is there now. fresh: it was loaded, at least in part, by this call."""

    plan: Plan
    accounts: list[accounts.Account]
    fresh: bool


def silent(name: str, done: int, total: int) -> None:
    """A report that nobody reads."""


async def load(system: System, size: str = "class", report: Report = silent, at: Moment = "week") -> Loaded:
    """The demo college of that size at that moment, loaded, completed or recognised.

    No loop of the system needs to run. A system that has one of another size or moment keeps it, and that one is
    answered. Raises NotEmpty.
    """
    async with AsyncExitStack() as stack:
        parts = await assemble(system.settings, _hasty(system.store), stack, StagedClock())
        stage, complete = await _begin(parts, size, at, report)
        if not complete:
            parts.gradebook.pages.keep = len(stage.plan.loads) + SPARE_PAGES
            with uncollected():
                await _load(stage)
            await _views(system, report)
        loaded = Loaded(stage.plan, accounts.accounts(stage.plan), not complete)
        await parts.identity.tell_of_demo(_described(loaded))
        return loaded


def _described(demo: Loaded) -> dict[str, Any]:
    """For the start page."""
    rows = [
        {"login": account.login, "role": account.role._asdict(), "name": account.name, "hint": account.hint._asdict()}
        for account in demo.accounts
    ]
    return {"size": demo.plan.size.name, "password": accounts.PASSWORD, "accounts": rows}


async def ensure(system: System, report: Report = silent) -> Loaded | None:
    """What the settings ask for, or what demo college there is; None where they ask for none, and in a system that
    holds other data."""
    if system.settings.demo == "none":
        return None
    try:
        return await load(system, system.settings.demo, report, system.settings.demo_at)
    except NotEmpty:
        return None


async def _views(system: System, report: Report) -> None:
    """Fill the views by COPY, much faster than they follow; without an owner's address they follow all the same."""
    wanted = [(service, view) for service, views in VIEWS.items() for view in views]
    for n, (service, view) in enumerate(wanted, 1):
        if owner_dsn := system.store.databases[service].owner_dsn:
            await rebuild(view, system.logs, owner_dsn)
        report("Сводки и карточки", n, len(wanted))


async def load_college(system: System, report: Report = silent) -> Loaded:
    """A thousand students with 320,000 grades: the college of the benchmarks."""
    return await load(system, "college", report)


def _hasty(store: Store) -> Store:
    """The store without waiting for the disk at every commit: what a power cut takes is loaded again."""
    databases = {
        name: database._replace(dsn=make_conninfo(database.dsn, options="-c synchronous_commit=off"))
        for name, database in store.databases.items()
    }
    return store._replace(databases=databases)


async def _begin(parts: System, size: str, at: Moment, report: Report) -> tuple[Stage, bool]:
    """Register the administrator in an empty system; later starts learn from the answer which plan was begun.

    True beside the stage when it is all there.
    """
    today = parts.clock.now().astimezone(parts.settings.zoneinfo).date()
    plan = Plan(SIZES[size], today, at)

    async def do(tx: Tx) -> dict[str, Any]:
        if await tx.row("select 1 from person limit 1"):
            raise NotEmpty
        person = await people.register(tx, enlisting.data(plan.people[enlisting.ADMINISTRATOR]), demo=True)
        await people.make_administrator(tx, person)
        return {"administrator": person, "size": size, "today": today.isoformat(), "at": at}

    stage = Stage(plan, parts.identity, parts.schedule, parts.gradebook, {}, report)
    with staged(stage.instant(plan.calendar.starts_on, MORNING)):
        answer = (await parts.identity.execute(command("begin", "", SYSTEM), do)).answer
    begun = (answer["size"], answer["today"], answer.get("at", "week"))  # there were loads before there were moments
    if begun != (size, today.isoformat(), at):
        plan = Plan(SIZES[begun[0]], date.fromisoformat(begun[1]), begun[2])
    stage = stage._replace(plan=plan, ids={enlisting.ADMINISTRATOR: str(answer["administrator"])})
    async with parts.identity.commands.reading() as tx:
        # The last account is made when everything else is there.
        last = accounts.accounts(plan)[-1].login
        complete = await tx.row("select 1 from account where login = %s", (last,)) is not None
    return stage, complete


async def _load(stage: Stage) -> None:
    plan = stage.plan
    await enlisting.enlist(stage)
    await scheduling.schedule(stage)
    await _facts(stage, plan.calendar.starts_on)
    *coming, past = plan.substitutions
    await journal.write(
        stage,
        {
            plan.transfer.on: partial(_moved, stage),
            past.lesson.date: partial(_substituted, stage),
        },
    )
    for substitution in coming:
        await scheduling.substitute(stage, substitution)
    await journal.classify(stage)
    await _facts(stage, plan.calendar.today)
    await accounts.activate(stage)


async def _facts(stage: Stage, day: date) -> None:
    """Let the keeper copy to the pages what has been said so far."""
    with staged(stage.instant(day, MORNING)):
        await stage.gradebook.keeper.catch_up()


async def _moved(stage: Stage) -> None:
    await enlisting.move(stage)
    await _facts(stage, stage.plan.transfer.on)


async def _substituted(stage: Stage) -> None:
    past = stage.plan.substitutions[-1]
    await scheduling.substitute(stage, past)
    await _facts(stage, past.lesson.date)
