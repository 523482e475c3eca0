"""Erasing a person: what identifies him is deleted, ids and facts remain and are shown as «удалено».

Refused, with its ground, while the law or the college's act wants the data kept.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from contracts.events import identity as e
from services.identity import problems
from services.identity.commands import Tx
from services.identity.people import lock, person_stream
from services.identity.rules import not_to_himself
from services.identity.sessions import Sessions

RETENTION = timedelta(days=5 * 365 + 2)
"""How long data of students and staff is kept after their last day here (practice; the college's act may differ)."""

GROUNDS = {
    "member": ("обучается или обучался", "a student, or was one"),
    "guardian": ("представитель обучающегося", "a student's guardian"),
}
WORK = ("работает или работал", "of the staff, or was")


async def erase(tx: Tx, sessions: Sessions, person: str) -> dict[str, Any]:
    """Erase a person. Raises RetentionRuns while he studies, works, guards, or left less than RETENTION ago."""
    not_to_himself(tx.actor, person)
    await lock(tx, person)
    judge(await tx.rows("select relation, ends_on from relation where subject = %s", (person,)), tx.today)
    await sessions.end_all(tx, person)
    for table in ("activation_code", "account"):
        await tx.run(f"delete from {table} where person = %s", (person,))  # noqa: S608 - two fixed names
    await tx.run(
        "update person set family_name = '', given_name = '', middle_name = '', email = '', phone = '',"
        " birth_date = null, source = '', version = version + 1, erased_at = %s where id = %s",
        (tx.now, person),
    )
    await tx.run("update guardian_link set document = '' where %s in (guardian, student)", (person,))
    tx.emit(person_stream(person), e.PersonErased(person=person))
    return {"person": person}


def judge(relations: Iterable[tuple[str, date | None]], today: date) -> None:
    """Raises RetentionRuns for relations (name, last day) that keep the data. A student's role has no end of its own:
    his enrolments tell."""
    for relation, ends_on in relations:
        if relation == "student":
            continue
        ru, en = GROUNDS.get(relation, WORK)
        if ends_on is None:
            raise problems.RetentionRuns(ground=ru, ground_en=en, until="—")
        kept_until = ends_on if relation == "guardian" else ends_on + RETENTION
        if kept_until >= today:
            raise problems.RetentionRuns(ground=ru, ground_en=en, until=kept_until.isoformat())
