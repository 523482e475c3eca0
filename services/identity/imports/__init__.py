"""The import of a roster: one transaction, every row judged, the same document twice changes nothing.

What a file says is compared with what is stored by id; only differences are written, in bulk. A bulk file's silence
about a stored record is reported and never acted upon; what was changed here by hand since the last import (a
transfer, a revoked role) is kept. A file's empty cell never empties a stored one. A person who is not enabled in the
file is reported too: who may sign in is the administrator's say, not a file's.
"""

from typing import Any

from services.identity import problems
from services.identity.commands import Tx
from services.identity.imports import ends, links, people
from services.identity.imports.context import Import
from services.identity.imports.document import Roster
from services.identity.imports.report import Report


async def take(tx: Tx, document: Roster, *, skip_bad: bool, demo: bool = False) -> dict[str, Any]:
    """Import the document; answers the report. Raises ImportRefused, with the report, unless bad rows are skipped."""
    await tx.run("select pg_advisory_xact_lock(hashtext('identity: import'))")
    work = Import(tx, document, Report(), demo)
    await people.groups(work)
    await people.people(work)
    await links.roles(work)
    await links.guardians(work)
    await links.enrolments(work)
    await ends.inactive(work)
    await ends.deleted(work)
    await ends.absent(work)
    report = work.report.document()
    if work.report.refused and not skip_bad:
        raise problems.ImportRefused(count=work.report.refused, extra=report)
    return report
