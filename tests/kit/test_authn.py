"""Tokens, dated rights, and what happens when identity is silent."""

import asyncio
import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.events import identity
from contracts.grants import Ended, Relation, SessionOver, SubjectOut, changes
from services.kit import authn
from services.kit.authn import (
    AUDIENCE,
    SILENCE_SECONDS,
    TOKEN_LIFETIME,
    Grants,
    GrantsReader,
    TokenIssuer,
    TokenVerifier,
)
from services.kit.log.memory import MemoryLog
from services.kit.problems import RightsUnknown, Unauthenticated
from tests.common.clock import START, ManualClock
from tests.common.kit import Desk, new_event, until

pytestmark = pytest.mark.anyio

TODAY = date(2025, 9, 1)
DAY = timedelta(days=1)


# -- tokens -----------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def verifier(key: Ed25519PrivateKey, clock: ManualClock) -> TokenVerifier:
    return TokenVerifier([key.public_key()], clock)


def claims(**changed: Any) -> dict[str, Any]:
    good = {"sub": "p1", "sid": "s1", "aud": AUDIENCE, "iat": START, "exp": START + timedelta(minutes=5)}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def test_a_token_says_who_and_lives_five_minutes(
    key: Ed25519PrivateKey, clock: ManualClock, verifier: TokenVerifier
) -> None:
    token = TokenIssuer(key, clock).issue("p1", "s1")
    assert timedelta(minutes=5) >= TOKEN_LIFETIME
    assert verifier.verify(token)[:2] == ("p1", "s1")
    clock.advance(TOKEN_LIFETIME - timedelta(seconds=1))
    assert verifier.verify(token).subject == "p1"
    clock.advance(1)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            verifier.verify(token)


def test_an_expired_token_never_seen_before_is_refused(key: Ed25519PrivateKey, verifier: TokenVerifier) -> None:
    token = jwt.encode(claims(exp=START), key, algorithm="EdDSA")
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "elsewhere"},
        {"aud": None},
        {"exp": None},
        {"sub": None},
        {"sid": None},
        {"sub": 17},
        {"exp": "soon"},
        {"nbf": datetime(2999, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_token_with_wrong_claims_is_refused(
    key: Ed25519PrivateKey, verifier: TokenVerifier, changed: dict[str, Any]
) -> None:
    try:
        token = jwt.encode(claims(**changed), key, algorithm="EdDSA")
    except TypeError:  # the library does not sign such a claim: sign the bytes by hand
        body = claims(iat=1, exp=2**40) | changed
        token = jwt.api_jws.encode(orjson.dumps(body), key, algorithm="EdDSA")
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_a_token_of_another_key_is_refused(verifier: TokenVerifier) -> None:
    token = jwt.encode(claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA")
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_algorithm_none_and_a_key_taken_for_a_password_are_refused(
    key: Ed25519PrivateKey, verifier: TokenVerifier
) -> None:
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    for token in (
        jwt.encode(claims(), "", algorithm="none"),
        jwt.encode(claims(), public, algorithm="HS256"),
    ):
        with pytest.raises(Unauthenticated):
            verifier.verify(token)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_part_is_noticed_even_after_the_true_token_was_seen(
    key: Ed25519PrivateKey, verifier: TokenVerifier, part: int
) -> None:
    token = jwt.encode(claims(), key, algorithm="EdDSA")
    verifier.verify(token)
    parts = token.split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
    raw[len(raw) // 2] ^= 1
    parts[part] = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        verifier.verify(".".join(parts))


@given(st.text())
def test_garbage_is_no_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        TokenVerifier([GARBAGE_KEY.public_key()], ManualClock()).verify(text)


GARBAGE_KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def test_the_verifier_remembers_a_bounded_number(
    key: Ed25519PrivateKey, clock: ManualClock, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authn, "TOKENS_KEPT", 3)
    issuer = TokenIssuer(key, clock)
    tokens = [issuer.issue(f"p{n}", "s") for n in range(8)]
    for token in tokens * 2:
        verifier.verify(token)
        assert len(verifier._known) <= 3
    assert verifier.verify(tokens[0]).subject == "p0"


# -- the principal ----------------------------------------------------------------------------------------------


def roles_of(desk: Desk, subject: str = "p1") -> dict[str, set[str]]:
    return desk.authenticator.principal(desk.issuer.issue(subject, "s")).roles


def test_rights_count_from_their_first_to_their_last_day() -> None:
    desk = Desk()
    desk.relate("p1", "role:teacher", starts="2025-08-01", ends="2025-09-01")
    desk.relate("p1", "role:deputy_director", starts="2025-09-02")
    desk.relate("p1", "curator", "g1", starts="2025-09-01", ends="2025-09-01")
    desk.relate("p1", "curator", "g0", ends="2025-08-31")
    assert roles_of(desk) == {"teacher": {""}, "curator": {"g1"}}
    desk.clock.advance(DAY)
    desk.grants.heard_at = desk.clock.monotonic()
    assert roles_of(desk) == {"deputy_director": {""}}


def test_the_day_ends_at_midnight_of_the_college() -> None:
    desk = Desk(ManualClock(datetime(2025, 9, 1, 16, 59, 59, tzinfo=UTC)))
    desk.relate("p1", "role:teacher", ends="2025-09-01")
    assert desk.authenticator.principal(desk.issuer.issue("p1", "s")).today == TODAY
    assert roles_of(desk) == {"teacher": {""}}
    desk.clock.advance(1)
    assert desk.authenticator.principal(desk.issuer.issue("p1", "s")).today == TODAY + DAY
    assert roles_of(desk) == {}


def test_a_role_in_a_group_reaches_that_group_only() -> None:
    desk = Desk()
    desk.relate("p1", "role:study_office", "g1")
    desk.relate("p1", "role:auditor")
    principal = desk.authenticator.principal(desk.issuer.issue("p1", "s"))
    assert principal.in_scope("study_office", "g1")
    assert not principal.in_scope("study_office", "g2")
    assert not principal.in_scope("study_office", "")
    assert principal.in_scope("auditor", "g2")
    assert not principal.in_scope("director", "g1")
    assert principal.has("director", "auditor")
    assert not principal.has("director")


def test_a_revoked_session_is_over_at_once_and_no_other() -> None:
    desk = Desk()
    lost, kept = desk.issuer.issue("p1", "s1"), desk.issuer.issue("p1", "s2")
    desk.authenticator.principal(lost)
    desk.apply(SessionOver("s1"))
    with pytest.raises(Unauthenticated):
        desk.authenticator.principal(lost)
    assert desk.authenticator.principal(kept).session == "s2"


def test_a_disabled_person_is_out_until_enabled() -> None:
    desk = Desk()
    token = desk.issuer.issue("p1", "s1")
    desk.apply(SubjectOut("p1", True))
    with pytest.raises(Unauthenticated):
        desk.authenticator.principal(token)
    assert desk.authenticator.principal(desk.issuer.issue("p2", "s2")).subject == "p2"
    desk.apply(SubjectOut("p1", False))
    assert desk.authenticator.principal(token).subject == "p1"


def test_silence_of_identity_makes_rights_unknown() -> None:
    desk = Desk()
    desk.relate("p1", "role:teacher")
    desk.clock.advance(SILENCE_SECONDS)
    assert roles_of(desk) == {"teacher": {""}}
    desk.clock.advance(0.001)
    with pytest.raises(RightsUnknown):
        roles_of(desk)


def test_before_identity_was_ever_heard_rights_are_unknown() -> None:
    desk = Desk()
    desk.grants.heard_at = Grants().heard_at
    with pytest.raises(RightsUnknown):
        roles_of(desk)


def test_turning_the_clock_does_not_count_as_silence() -> None:
    desk = Desk()
    desk.clock.set(START + timedelta(days=400))
    assert roles_of(desk) == {}


def test_a_service_comes_in_during_silence_and_has_no_roles() -> None:
    desk = Desk()
    desk.clock.advance(60)
    principal = desk.authenticator.principal(desk.issuer.issue("service:reporting", ""))
    assert principal.is_service
    assert principal.roles == {}
    desk.grants.heard_at = desk.clock.monotonic()
    assert not desk.authenticator.principal(desk.issuer.issue("p1", "s")).is_service


# -- folding relations ------------------------------------------------------------------------------------------


def test_a_relation_is_found_from_both_ends() -> None:
    grants = Grants()
    grants.apply([Relation("l1", "mother", "guardian", "child", TODAY, None)])
    grants.apply([Relation("l2", "father", "guardian", "child", TODAY, TODAY)])
    assert grants.subjects("guardian", "child", TODAY) == {"mother", "father"}
    assert grants.subjects("guardian", "child", TODAY + DAY) == {"mother"}
    assert grants.objects("mother", "guardian", TODAY - DAY) == set()
    assert grants.ever("father", "guardian", TODAY + DAY) == {"child"}
    assert grants.ever("father", "guardian", TODAY - DAY) == set()


def test_the_same_id_again_replaces_the_relation() -> None:
    grants = Grants()
    grants.apply([Relation("r", "p1", "curator", "g1", TODAY, None), Relation("r", "p2", "curator", "g2", TODAY, None)])
    assert grants.subjects("curator", "g1", TODAY) == set()
    assert grants.roles("p1", TODAY) == {}
    assert grants.roles("p2", TODAY) == {"curator": {"g2"}}


def test_an_end_shortens_and_never_lengthens() -> None:
    grants = Grants()
    grants.apply([Relation("r", "p1", "curator", "g1", TODAY, TODAY + 2 * DAY), Ended("r", TODAY + 9 * DAY)])
    assert grants.objects("p1", "curator", TODAY + 3 * DAY) == set()
    grants.apply([Ended("r", TODAY), Ended("unknown", None)])
    assert grants.objects("p1", "curator", TODAY) == {"g1"}
    assert grants.objects("p1", "curator", TODAY + DAY) == set()
    grants.apply([Ended("r", None)])
    assert grants.ever("p1", "curator", TODAY) == set()


RELATION = st.builds(
    Relation,
    id=st.sampled_from("abc"),
    subject=st.sampled_from(["p1", "p2"]),
    relation=st.sampled_from(["role:teacher", "curator"]),
    object=st.sampled_from(["", "g1", "g2"]),
    starts_on=st.dates(TODAY - 3 * DAY, TODAY + 3 * DAY),
    ends_on=st.none() | st.dates(TODAY - 3 * DAY, TODAY + 3 * DAY),
)
ENDED = st.builds(Ended, id=st.sampled_from("abc"), on=st.none() | st.dates(TODAY - 3 * DAY, TODAY + 3 * DAY))


@given(st.lists(RELATION | ENDED), st.dates(TODAY - 4 * DAY, TODAY + 4 * DAY))
def test_the_indexes_agree_with_a_plain_list(history: list[Relation | Ended], on: date) -> None:
    grants, plain = Grants(), dict[str, Relation]()
    grants.apply(history)
    for change in history:
        if isinstance(change, Relation):
            plain[change.id] = change
        elif change.id in plain:
            held = plain[change.id]
            if change.on is None:
                del plain[change.id]
            else:
                plain[change.id] = held._replace(ends_on=min(change.on, held.ends_on or date.max))
    valid = [r for r in plain.values() if r.starts_on <= on <= (r.ends_on or date.max)]
    for subject in ("p1", "p2"):
        for relation in ("role:teacher", "curator"):
            mine = {r.object for r in valid if (r.subject, r.relation) == (subject, relation)}
            assert grants.objects(subject, relation, on) == mine
            assert grants.roles(subject, on).get(relation.removeprefix("role:"), set()) == mine
    for object_ in ("", "g1", "g2"):
        holders = {r.subject for r in valid if (r.relation, r.object) == ("curator", object_)}
        assert grants.subjects("curator", object_, on) == holders


# -- what identity's events say ---------------------------------------------------------------------------------


def roles_after(events: list[Event], subject: str, on: date = TODAY) -> dict[str, set[str]]:
    grants = Grants()
    for event in events:
        grants.apply(changes(event))
    return grants.roles(subject, on)


ENROLLED = identity.StudentEnrolled(enrolment="e1", student="st", group="g1", starts_on=TODAY)
APPOINTED = identity.CuratorAppointed(appointment="a1", group="g1", person="p1", starts_on=TODAY)
LINKED = identity.GuardianLinked(link="l1", guardian="mother", student="st", starts_on=TODAY)
GRANTED = identity.RoleGranted(grant="r1", person="p1", role="teacher", starts_on=TODAY)


def test_a_moved_student_is_in_the_new_group_from_that_day() -> None:
    moved = identity.StudentTransferred(
        student="st", left="e1", from_group="g1", enrolment="e2", to_group="g2", on=TODAY + DAY
    )
    assert roles_after([ENROLLED, moved], "st") == {"member": {"g1"}}
    assert roles_after([ENROLLED, moved], "st", TODAY + DAY) == {"member": {"g2"}}


@pytest.mark.parametrize(("status", "stays"), [("withdrawn", False), ("graduated", False), ("academic_leave", True)])
def test_who_leaves_the_college_is_in_no_group_from_that_day(status: Any, stays: bool) -> None:
    left = identity.StudentStatusChanged(student="st", enrolment="e1", group="g1", status=status, on=TODAY + DAY)
    assert roles_after([ENROLLED, left], "st") == {"member": {"g1"}}
    assert roles_after([ENROLLED, left], "st", TODAY + DAY) == ({"member": {"g1"}} if stays else {})


def test_a_new_curator_takes_over_on_his_first_day() -> None:
    next_one = identity.CuratorAppointed(
        appointment="a2", group="g1", person="p2", starts_on=TODAY + DAY, replaces="a1"
    )
    assert roles_after([APPOINTED, next_one], "p1") == {"curator": {"g1"}}
    assert roles_after([APPOINTED, next_one], "p1", TODAY + DAY) == {}
    assert roles_after([APPOINTED, next_one], "p2", TODAY + DAY) == {"curator": {"g1"}}


def test_an_unlinked_guardian_and_a_revoked_role_are_gone_at_once() -> None:
    unlinked = identity.GuardianUnlinked(link="l1", guardian="mother", student="st")
    assert roles_after([LINKED], "mother") == {"guardian": {"st"}}
    assert roles_after([LINKED, unlinked], "mother") == {}
    assert roles_after([GRANTED], "p1") == {"teacher": {""}}
    assert roles_after([GRANTED, identity.RoleRevoked(grant="r1", person="p1")], "p1") == {}


def test_an_erased_person_is_out() -> None:
    assert list(changes(identity.PersonErased(person="p1"))) == [SubjectOut("p1", True)]


# -- following identity's log -----------------------------------------------------------------------------------


class Identity:
    """identity's log as its services see it."""

    def __init__(self, desk: Desk) -> None:
        self.log, self._revision = MemoryLog(desk.clock), -1
        self.reader = GrantsReader(desk.grants, self.log, identity.EVENTS, changes, desk.clock)

    async def says(self, *events: Event) -> None:
        rows = [new_event(f"{self._revision}/{n}", event) for n, event in enumerate(events)]
        landed = await self.log.append("identity", self._revision, rows)
        self._revision = landed.revision


async def test_the_reader_folds_what_identity_said() -> None:
    desk = Desk()
    source = Identity(desk)
    await source.says(ENROLLED, APPOINTED, LINKED, GRANTED)
    await source.reader.catch_up()
    assert roles_of(desk, "p1") == {"teacher": {""}, "curator": {"g1"}}
    assert desk.grants.position == 4
    await source.says(identity.RoleRevoked(grant="r1", person="p1"))
    await source.reader.catch_up()
    assert roles_of(desk, "p1") == {"curator": {"g1"}}


async def test_catching_up_by_pages_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authn, "BATCH", 2)
    desk = Desk()
    source = Identity(desk)
    await source.says(ENROLLED, APPOINTED, LINKED, GRANTED, ENROLLED)
    await source.reader.catch_up()
    assert desk.grants.position == 5


async def test_a_revocation_counts_as_soon_as_it_is_appended() -> None:
    desk = Desk()
    source = Identity(desk)
    token = desk.issuer.issue("p1", "s1")
    running = asyncio.create_task(source.reader.run())
    try:
        await source.says(identity.SessionRevoked(session="s1", person="p1"))
        await until(lambda: desk.grants.position == 1)
        with pytest.raises(Unauthenticated):
            desk.authenticator.principal(token)
    finally:
        running.cancel()


async def test_rights_are_as_old_as_the_question_they_answer() -> None:
    desk = Desk()
    source = Identity(desk)
    read = source.log.read

    async def slowly(after: int = 0, limit: int = 1000) -> Any:
        rows = await read(after, limit)
        desk.clock.advance(60)
        return rows

    source.log.read = slowly  # type: ignore[method-assign]
    await source.reader.catch_up()
    with pytest.raises(RightsUnknown):
        roles_of(desk)


async def test_a_lost_feed_ages_rights_and_a_found_one_renews_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authn, "POLL_SECONDS", 0.01)
    desk = Desk()
    source = Identity(desk)
    wait, lost = source.log.wait, asyncio.Event()
    away = True

    async def waits(after: int, timeout: float) -> int:
        if away:
            lost.set()
            raise ConnectionError("gone")
        return await wait(after, timeout)

    source.log.wait = waits  # type: ignore[method-assign]
    running = asyncio.create_task(source.reader.run())
    try:
        await asyncio.wait_for(lost.wait(), 10)
        desk.clock.advance(SILENCE_SECONDS + 1)
        with pytest.raises(RightsUnknown):
            roles_of(desk)
        away = False
        await source.says(GRANTED)
        await until(lambda: desk.grants.position == 1)
        assert roles_of(desk) == {"teacher": {""}}
    finally:
        running.cancel()


async def test_an_event_that_is_not_understood_leaves_rights_unknown_rather_than_old() -> None:
    desk = Desk()
    source = Identity(desk)
    await source.says(GRANTED)
    await source.reader.catch_up()
    odd = new_event("odd", GRANTED)._replace(type="Unheard.v1")
    await source.log.append("identity", 0, [odd])
    desk.clock.advance(SILENCE_SECONDS + 1)
    with pytest.raises(LookupError):
        await source.reader.catch_up()
    with pytest.raises(RightsUnknown):
        roles_of(desk)
