"""The second oracle of who may do what: tables written by hand from the regulation and the college's table of roles.

It knows nothing of the policies in the code. `tables/who.txt` names the cast and groups of it, `tables/SERVICE.txt`
says per route and case what becomes of everybody's request, `tables/sights.txt` what only some may find in an answer.
"""

import re
from pathlib import Path
from typing import NamedTuple

TABLES = Path(__file__).parent / "tables"
SERVICES = ("identity", "schedule", "gradebook", "reporting", "notifications")
REFUSED = "no"
VERDICTS = ("done", "yes", "rule", "seen", "404")
"""done: it is done. yes: done, or stopped by a rule that does not ask who he is. rule: stopped by such a rule.
seen: refused with the reason. 404: as if it were not there. Who is not named is refused: `no`."""

ROUTE = re.compile(r"(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) (/\S+)")


class Case(NamedTuple):
    """A question to a route. verdicts: {member of the cast: what becomes of his request}, the whole cast."""

    service: str
    route: str
    title: str
    verdicts: dict[str, str]

    def __str__(self) -> str:
        return f"{self.service} {self.route}" + (f": {self.title}" if self.title else "")

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]


class Who:
    """The cast and its groups."""

    def __init__(self, text: str) -> None:
        self._groups: dict[str, list[str]] = {}
        name = ""
        for line in _lines(text):
            words = line.split()
            if not line.startswith(" "):
                name, words = words[0], words[1:]
                self._groups[name] = []
            self._groups[name] += self.members(words)
        self.cast = sorted(set(self._groups["PUBLIC"]))

    def members(self, words: list[str]) -> list[str]:
        """The words with groups replaced by their members. Raises ValueError for what is neither."""
        found: list[str] = []
        for word in words:
            if word in self._groups:
                found += self._groups[word]
            elif re.fullmatch(r"[a-z]+(\.[a-z-]+)?", word):
                found.append(word)
            else:
                raise ValueError(f"who is {word}?")
        return found


def _lines(text: str) -> list[str]:
    """The lines that say something."""
    return [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _read(name: str) -> str:
    return (TABLES / f"{name}.txt").read_text(encoding="utf-8")


WHO = Who(_read("who"))


def _cases(service: str, text: str) -> list[Case]:
    """The cases of a table. Raises ValueError for a line that fits nowhere, or somebody named twice in a case."""
    found: list[Case] = []
    route, verdict, said = "", "", dict[str, str]()
    for line in _lines(text):
        words = line.split()
        depth = len(line) - len(line.lstrip())
        if depth == 0:
            if not ROUTE.fullmatch(line):
                raise ValueError(f"{service}: {line}")
            route, said = line, {}
            found.append(Case(service, route, "", said))
        elif depth == 2:
            said = {}
            if not found[-1].verdicts and not found[-1].title:
                found.pop()
            found.append(Case(service, route, line.strip(), said))
        else:
            if words[0] in VERDICTS:
                verdict, words = words[0], words[1:]
            for member in WHO.members(words):
                if member not in WHO.cast or member in said:
                    raise ValueError(f"{service} {route}: {member}")
                said[member] = verdict
    return [case._replace(verdicts={m: case.verdicts.get(m, REFUSED) for m in WHO.cast}) for case in found]


CASES = [case for service in SERVICES for case in _cases(service, _read(service))]


def _sights(text: str) -> dict[str, frozenset[str]]:
    found: dict[str, list[str]] = {}
    for line in _lines(text):
        if not line.startswith(" "):
            found[line] = []
        else:
            found[next(reversed(found))] += WHO.members(line.split())
    return {what: frozenset(members) for what, members in found.items()}


SIGHTS = _sights(_read("sights"))
"""{what: the members of the cast who see it somewhere; nobody else does anywhere}."""
