"""What people do meanwhile: teachers write, retry and give up, a deputy closes pages, guardians read and are unlinked.

Every command sent is in the ledger with what was answered: acknowledged, refused, or unknown when no answer came or one
that settles nothing. Half of the unknown ones are sent again with the same key, some several times at once; the others
are left to be asked for at the end.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from services.kit.handle import command_id
from tests.faults.base import Cast, Cell, Lesson, Link
from tests.faults.world import World

VALUES = ("5", "4", "3", "2")
PATIENCE = 12
"""So many times a command is sent again before it is left as unknown."""
RIGHTS_SECONDS = 8.0
"""A right that has ended counts for nobody who asks so much later: silence of identity is borne for 5 s."""
REASON = {"code": "order"}


@dataclass
class Sent:
    """A command. outcome: acknowledged, refused or unknown. position and events: as answered."""

    person: str
    page: str
    key: str
    what: str
    outcome: str = "unknown"
    position: int = 0
    events: int = 1
    sendings: int = 0
    status: int = 0

    @property
    def id(self) -> str:
        return command_id(self.person, self.key)


@dataclass
class Foreign:
    """A read that should not have succeeded."""

    person: str
    student: str
    why: str


class Unlinked(NamedTuple):
    link: Link
    at: float


@dataclass
class Load:
    """Run it as a task beside the faults; `stop` lets everybody finish what he sent.

    copies: how many times a retry is sent at once in a storm. part, parts: which share of the cast works, so that loads
    may follow each other; ledger and unlinked are then handed on.
    """

    world: World
    seed: int
    workers: int = 6
    pause: float = 0.03
    copies: int = 3
    part: int = 0
    parts: int = 1
    ledger: list[Sent] = field(default_factory=list)
    unlinked: list[Unlinked] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    probes: int = 0

    def __post_init__(self) -> None:
        self.cast: Cast = self.world.base.cast
        self._random = random.Random(self.seed)
        self._stopping = asyncio.Event()
        self._keys = 0
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=40)
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(8.0, connect=2.0), limits=limits)
        self._bearers: dict[str, dict[str, str]] = {}

    async def run(self, readers: bool = True) -> None:
        """Everybody at work until `stop`."""
        lessons = list(self.cast.lessons[self.part :: self.parts])
        cells = list(self.cast.cells[self.part :: self.parts])
        work = [self._teach(n, lessons[n :: self.workers], cells[n :: self.workers]) for n in range(self.workers)]
        if readers:
            work.append(self._probe())
        try:
            await asyncio.gather(*work)
        finally:
            await self._client.aclose()

    def stop(self) -> None:
        self._stopping.set()

    async def sent(self, number: int) -> None:
        """Return when so many more commands have been sent."""
        until = len(self.ledger) + number
        async with asyncio.timeout(60):
            while len(self.ledger) < until:  # noqa: ASYNC110 - the ledger is a list
                await asyncio.sleep(0.02)

    @property
    def counts(self) -> Counter[str]:
        return Counter(sent.outcome for sent in self.ledger)

    # -- teachers -----------------------------------------------------------------------------------------------

    async def _teach(self, number: int, lessons: list[Lesson], cells: list[Cell]) -> None:
        """Marks into cells, minutes of lateness, and now and then what must be refused."""
        grading, marking = self._grades(cells), self._late(lessons)
        turn = 0
        while not self._stopping.is_set():
            turn += 1
            work = grading if turn % 3 else marking
            try:
                sent, path, body, condition, put = next(work)
            except StopIteration:
                if work is grading and grading is not marking:
                    grading = marking
                else:  # what was lost stands there in a version that has to be read first
                    await asyncio.sleep(self.pause)
                    grading = marking = self._late(await self._reread(lessons))
                continue
            told = await self._send(sent, path, body, condition, number)
            put(told)
            if turn % 11 == 0 and told is not None:
                wrong = self._new(sent.person, sent.page, "refused")
                await self._send(wrong, path, body, {"If-Match": '"1"'}, number)
            await asyncio.sleep(self.pause * self._random.random() * 2)

    def _grades(self, cells: list[Cell]) -> Iterator[Any]:
        for cell in cells:
            grades: list[dict[str, Any]] = []
            tag, lost = "", False

            def put(told: dict[str, Any] | None) -> None:
                nonlocal tag, lost
                lost = told is None
                if told is not None:
                    tag = told["etag"]
                    grades[-1]["grade"] = told["grades"][0]["grade"]  # noqa: B023 - of this cell

            for value in VALUES:
                grades.append({"value": value, "work": "written"})
                condition = {"If-Match": f'"{tag}"'} if tag else {"If-None-Match": "*"}
                path = f"/pages/{cell.page}/cells/{cell.lesson}/{cell.student}"
                sent = self._new(cell.teacher, cell.page, "grade")
                yield sent, path, {"grades": [dict(g) for g in grades]}, condition, put
                if lost:
                    break

    def _late(self, lessons: list[Lesson]) -> Iterator[Any]:
        tags = {lesson.lesson: lesson.attendance for lesson in lessons}
        minutes = 0
        while tags:
            minutes = minutes % 40 + 1
            for lesson in [each for each in lessons if each.lesson in tags]:
                others = [mark for mark in lesson.marks if mark["student"] != lesson.student]
                body = {"marks": [*others, {"student": lesson.student, "late": minutes}]}
                tag = tags[lesson.lesson]
                condition = {"If-None-Match": "*"} if tag == "none" else {"If-Match": f'"{tag}"'}
                sent = self._new(lesson.teacher, lesson.page, "attendance")

                def put(told: dict[str, Any] | None, lesson: str = lesson.lesson) -> None:
                    if told is None:
                        tags.pop(lesson, None)
                    else:
                        tags[lesson] = told["etag"]

                yield sent, f"/pages/{lesson.page}/attendance/{lesson.lesson}", body, condition, put

    async def _reread(self, lessons: list[Lesson]) -> list[Lesson]:
        """The lessons as they stand now; none while nobody answers."""
        pages = {(lesson.teacher, lesson.page) for lesson in lessons}
        found: dict[str, Any] = {}
        for teacher, page in sorted(pages):
            try:
                address = f"{self.world.url('gradebook')}/pages/{page}"
                answer = await self._client.get(address, headers=self._bearer(teacher))
            except httpx.TransportError:
                return []
            if answer.is_success:
                found |= {lesson["lesson"]: lesson["attendance"] for lesson in answer.json()["lessons"]}
        return [
            lesson._replace(attendance=there["etag"], marks=tuple(there["marks"] or ()))
            for lesson in lessons
            if (there := found.get(lesson.lesson))
        ]

    def _new(self, person: str, page: str, what: str) -> Sent:
        self._keys += 1
        sent = Sent(person, page, f"{self.seed}-{self.part}-{self._keys}-{'0' * 16}", what)
        self.ledger.append(sent)
        return sent

    async def _send(
        self, sent: Sent, path: str, body: dict[str, Any], condition: dict[str, str], number: int
    ) -> dict[str, Any] | None:
        """Send until it is settled or given up; what was answered to an acknowledged one."""
        again = self._random.random() < 0.6
        for attempt in range(PATIENCE):
            copies = self.copies if attempt and self._random.random() < 0.3 else 1
            tries = [self._put(sent, path, body, condition, number + copy) for copy in range(copies)]
            settled = [a for a in await asyncio.gather(*tries) if a is not None]
            for answer in settled:
                if answer.is_success:
                    told: dict[str, Any] = answer.json()
                    sent.outcome, sent.status = "acknowledged", answer.status_code
                    sent.position, sent.events = int(told["position"].split(":")[1]), told["events"]
                    return told
            if settled:
                sent.outcome, sent.status = "refused", settled[0].status_code
                return None
            if not again or self._stopping.is_set():
                break
            await asyncio.sleep(0.05 + 0.25 * self._random.random())
        return None

    async def _put(
        self, sent: Sent, path: str, body: dict[str, Any], condition: dict[str, str], number: int
    ) -> httpx.Response | None:
        """One request; None when it settles nothing."""
        sent.sendings += 1
        headers = {**self._bearer(sent.person), "Idempotency-Key": sent.key, **condition}
        try:
            answer = await self._client.put(f"{self.world.url('gradebook', number)}{path}", json=body, headers=headers)
        except httpx.TransportError:
            return None
        self.answers[answer.status_code] += 1
        if answer.status_code >= 500:
            if answer.status_code != 503:
                self.wrong[f"{answer.status_code} to {path.split('/')[3]}"] += 1
            return None
        if answer.status_code in (401, 404):  # rights not heard yet after a start settle nothing
            return None
        return answer

    def _bearer(self, person: str) -> dict[str, str]:
        if person not in self._bearers:
            self._bearers[person] = self.world.base.bearer(person)
        return self._bearers[person]

    # -- the deputy and the administrator -----------------------------------------------------------------------

    async def close_page(self, page: str) -> bool:
        """The deputy closes a page by force, whatever is written on it meanwhile; True once that is acknowledged."""
        sent = self._new(self.cast.deputy, page, "close")
        headers = {**self._bearer(sent.person), "Idempotency-Key": sent.key}
        body = {"force": True, "reason": REASON}
        for _ in range(PATIENCE):
            sent.sendings += 1
            try:
                address = f"{self.world.url('gradebook')}/pages/{page}/close"
                answer = await self._client.post(address, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.is_success:
                told = answer.json()
                sent.outcome, sent.position = "acknowledged", int(told["position"].split(":")[1])
                sent.events = told["events"]
                return True
            await asyncio.sleep(0.2)
        return False

    async def unlink(self) -> bool:
        """The administrator ends a guardian's link; its guardian is watched from then on."""
        done = {u.link.id for u in self.unlinked}
        link = next(each for each in self.cast.links if each.id not in done)
        headers = {**self._bearer(self.cast.administrator), "Idempotency-Key": f"{self.seed}-{link.id}"}
        address = f"{self.world.url('identity')}/people/{link.student}/guardians/{link.id}"
        try:
            answer = await self._client.delete(address, headers=headers)
        except httpx.TransportError:
            return False
        if answer.is_success:
            self.unlinked.append(Unlinked(link, asyncio.get_running_loop().time()))
        return answer.is_success

    # -- guardians ----------------------------------------------------------------------------------------------

    async def _probe(self) -> None:
        """Guardians ask for the cards of children that are not theirs, or no longer, all the time."""
        own: dict[str, set[str]] = {}
        for link in self.cast.links:
            own.setdefault(link.guardian, set()).add(link.student)
        guardians = sorted(own)
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            guardian = self._random.choice(guardians)
            student = self._random.choice([s for s in self.cast.students if s not in own[guardian]])
            await self._read(guardian, student, "not his child")
            await self._notices(guardian, own[guardian])
            for unlinked in self.unlinked[-2:]:
                if loop.time() - unlinked.at > RIGHTS_SECONDS:
                    await self._read(unlinked.link.guardian, unlinked.link.student, "no longer his child")
                    left = own[unlinked.link.guardian] - {unlinked.link.student}
                    await self._notices(unlinked.link.guardian, left)
            await asyncio.sleep(self.pause * 2)

    async def _read(self, guardian: str, student: str, why: str) -> None:
        self.probes += 1
        for service, path in (
            ("reporting", f"/students/{student}/card"),
            ("gradebook", f"/absences?student={student}"),
        ):
            if not self.world.of(f"{service}.api"):
                continue
            try:
                answer = await self._client.get(f"{self.world.url(service)}{path}", headers=self._bearer(guardian))
            except httpx.TransportError:
                continue
            if answer.is_success:
                self.foreign.append(Foreign(guardian, student, f"{why}: {path}"))

    async def _notices(self, guardian: str, children: set[str]) -> None:
        """The guardian's inbox tells of these children only."""
        if not self.world.of("notifications.api"):
            return
        self.probes += 1
        address = f"{self.world.url('notifications')}/inbox"
        try:
            answer = await self._client.get(address, headers=self._bearer(guardian))
        except httpx.TransportError:
            return
        if answer.is_success:
            told = {notice["student"] for notice in answer.json()["items"]} - {None}
            self.foreign += [Foreign(guardian, student, "a notice on him") for student in told - children]
