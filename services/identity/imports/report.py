"""What an import did, or would do: how many records of each kind, which rows were refused and why, what is absent."""

from collections import Counter
from typing import Any, Final

from services.identity.imports.document import KINDS
from services.kit.problems import Text

LISTED: Final = 1000
"""So many problems, and ids per kind, are named; the counts are complete."""

OUTCOMES: Final = ("created", "changed", "unchanged", "kept", "ended", "implied", "refused", "absent")
"""kept: changed here by hand since, so left as it is. implied: another record says it already. absent: stored from
this source, and a bulk file says nothing of it; nothing is done about that."""

PROBLEMS: Final[dict[str, Text]] = {
    "unknown-person": Text("человека {id} нет ни в файле, ни в журнале", "no person {id} in the file or the journal"),
    "unknown-group": Text("группы {id} нет ни в файле, ни в журнале", "no group {id} in the file or the journal"),
    "erased-person": Text("личные данные человека удалены", "the data of this person has been erased"),
    "nameless": Text("нет ни фамилии, ни имени", "neither family name nor given name"),
    "id-twice": Text("запись с этим id уже была: {id}", "a record with this id came before: {id}"),
    "of-another": Text("запись {id} здесь о другом человеке или праве", "the record {id} is another person's or right"),
    "not-to-yourself": Text("права себе не выдают", "nobody grants rights to himself"),
    "own-guardian": Text("человек не представитель самому себе", "nobody is his own guardian"),
    "curator-without-group": Text("у куратора не указана группа", "the curator's group is not given"),
    "dates-not-sane": Text("даты не сходятся: {id}", "the dates do not fit: {id}"),
    "enrolment-overlaps": Text("пересекается с зачислением {id}", "overlaps the enrolment {id}"),
}


class Report:
    """Collects the outcome of each record."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
        self._problems: list[dict[str, str]] = []
        self._absent: dict[str, list[str]] = {}
        self.refused = 0

    def count(self, kind: str, outcome: str, n: int = 1) -> None:
        self._counts[kind][outcome] += n

    def refuse(self, kind: str, where: str, code: str, id_: str = "") -> None:
        """A row that is not imported."""
        self.count(kind, "refused")
        self.refused += 1
        if len(self._problems) < LISTED:
            text = PROBLEMS[code]
            self._problems.append(
                {"where": where, "kind": kind, "code": code, "ru": text.say("ru", id=id_), "en": text.say("en", id=id_)}
            )

    def absent(self, kind: str, ids: list[str]) -> None:
        self.count(kind, "absent", len(ids))
        if ids:
            self._absent[kind] = ids[:LISTED]

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "kinds": {kind: {o: counts[o] for o in OUTCOMES} for kind, counts in self._counts.items()},
            "problems": self._problems,
            "absent": self._absent,
        }
