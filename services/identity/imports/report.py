"""What an import did, or would do: how many records of each kind, which rows were refused and why, what is absent."""

from collections import Counter
from collections.abc import Iterator
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

NOT_ENABLED: Final = Text(
    "не допущены к входу по файлу: {count}; вход это не закрывает, его закрывают в карточке человека",
    "not enabled in the file: {count}; that closes no account, which is done on the person's card",
)


class Report:
    """Collects the outcome of each record."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
        self._problems: list[dict[str, str]] = []
        self._absent: dict[str, list[str]] = {}
        self._not_enabled: list[tuple[str, str]] = []
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

    def not_enabled(self, where: str, id_: str) -> None:
        """A person whom the file calls not enabled; nothing is done about that."""
        self._not_enabled.append((where, id_))

    def absent(self, kind: str, ids: list[str]) -> None:
        self.count(kind, "absent", len(ids))
        if ids:
            self._absent[kind] = ids[:LISTED]

    def document(self) -> dict[str, Any]:
        """The report as JSON. findings: what is to be known and refuses no row."""
        return {
            "kinds": {kind: {o: counts[o] for o in OUTCOMES} for kind, counts in self._counts.items()},
            "problems": self._problems,
            "absent": self._absent,
            "not_enabled": {"count": len(self._not_enabled), "people": [id_ for _, id_ in self._not_enabled[:LISTED]]},
            "findings": list(self._findings()),
        }

    def _findings(self) -> Iterator[dict[str, str]]:
        """One line for all of them, at the first: a roster may hold a whole college that is not enabled yet."""
        if self._not_enabled:
            said = {spoken: NOT_ENABLED.say(spoken, count=len(self._not_enabled)) for spoken in ("ru", "en")}
            where, _ = self._not_enabled[0]
            yield {"where": where, "severity": "warning", "kind": "people", "code": "not-enabled", **said}
