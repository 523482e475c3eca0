"""Identity over HTTP: activation, signing in, sessions, codes, disabling; what leaks and what does not."""

from asyncio import gather
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from contracts.envelope import Meta
from services.identity import guardians
from services.identity.accounts import issue_code
from services.identity.app import Identity, first_code
from services.identity.codes import CHECKS, SYMBOLS, read
from services.identity.commands import Tx
from services.identity.people import PersonData, grant, register
from services.identity.rules import Span
from services.identity.sessions import digest
from services.kit.authn import Claims
from services.kit.edge import Edge
from services.kit.front import Front
from services.kit.problems import KeyReused, OutcomeUnclear
from services.kit.rate import Rate
from services.kit.status import Board
from tests.common.clock import CountingIds
from tests.common.identity import LONG_AGO, PASSWORD, TODAY, ZONE, House, house
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio


@pytest.fixture
async def home(database: NewDatabase) -> AsyncIterator[House]:
    async with house(await database("identity")) as opened:
        yield opened


async def sign_in(home: House, login: str, password: str = PASSWORD, address: str = "127.0.0.1") -> Any:
    return await home.anonymous.from_(address).post("/sessions", {"login": login, "password": password})


# -- codes and activation -----------------------------------------------------------------------------------------


@pytest.mark.clause("R 3.1", "R 4.2.5")
async def test_i1_the_administrator_gives_staff_codes_and_the_person_sets_the_secret(home: House) -> None:
    admin, teacher = await home.person("Админ", "journal_administrator"), await home.person("Учитель", "teacher")
    issued = await home.as_(admin).post(f"/people/{teacher}/codes")
    assert issued.status_code == 201
    code = issued.json()["secret"]
    activated = await home.anonymous.post("/activation", {"code": code, "login": "Teacher", "password": PASSWORD})
    assert activated.status_code == 201, activated.text
    assert (await sign_in(home, "teacher")).status_code == 201
    again = await home.anonymous.post("/activation", {"code": code, "login": "other", "password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (403, "code-refused")


@pytest.mark.clause("R 3.1", "R 4.3.4")
async def test_i1_a_curator_gives_codes_to_own_students_and_their_guardians_only(home: House) -> None:
    curator, colleague = await home.person("Куратор", "teacher"), await home.person("Коллега", "teacher")
    own, foreign = await home.person("Свой"), await home.person("Чужой")
    await home.group("А", own, curator=curator)
    await home.group("Б", foreign)
    parent, stranger = await home.guardian("Родитель", own), await home.guardian("Другой", foreign)
    asks = home.as_(curator)
    for person in (own, parent):
        assert (await asks.post(f"/people/{person}/codes")).status_code == 201
    assert {event.staff for event in await home.events("ActivationCodeIssued")} == {False}
    for person in (foreign, stranger, colleague, "missing"):
        refused = await asks.post(f"/people/{person}/codes")
        assert (refused.status_code, refused.json()["code"]) == (404, "not-found")


async def test_i1_a_curator_reaches_no_account_of_staff_through_a_guardian(home: House) -> None:
    curator, director = await home.person("Куратор", "teacher"), await home.person("Директор", "director")
    child = await home.person("Ребёнок")
    await home.group("А", child, curator=curator)
    await home.do(lambda tx: guardians.link(tx, child, director, Span(LONG_AGO, None)))
    refused = await home.as_(curator).post(f"/people/{director}/codes")
    assert (refused.status_code, refused.json()["code"]) == (403, "code-not-yours")
    shown = (await home.as_(curator).get(f"/people/{director}")).json()
    changed = await home.as_(curator).request(
        "PATCH", f"/people/{director}", {"email": "thief@example.test"}, headers={"If-Match": shown["etag"]}
    )
    assert changed.status_code == 404


async def test_i1_nobody_issues_a_code_to_himself_and_the_administrator_none_to_students(home: House) -> None:
    admin, student = await home.person("Админ", "journal_administrator"), await home.person("Студент")
    await home.group("А", student)
    own = await home.as_(admin).post(f"/people/{admin}/codes")
    assert (own.status_code, own.json()["code"]) == (403, "not-to-yourself")
    other = await home.as_(admin).post(f"/people/{student}/codes")
    assert (other.status_code, other.json()["code"]) == (403, "code-not-yours")


async def test_a_code_is_stored_nowhere_and_told_once(home: House) -> None:
    admin, teacher = await home.person("Админ", "journal_administrator"), await home.person("Учитель", "teacher")
    first = await home.as_(admin).post(f"/people/{teacher}/codes", key="the-same-key")
    again = await home.as_(admin).post(f"/people/{teacher}/codes", key="the-same-key")
    secret = first.json()["secret"]
    assert "secret" not in again.json()
    assert again.json()["position"] == first.json()["position"]
    async with home.svc.commands.reading() as tx:
        for table in ("command", "activation_code", "event"):
            for row in await tx.rows(f"select t::text from {table} t"):
                assert secret not in row[0]
                assert secret.replace("-", "") not in row[0]


async def test_a_code_ends_after_14_days_after_10_tries_and_by_a_newer_one(home: House) -> None:
    teacher = await home.person("Учитель", "teacher")

    async def fresh() -> str:
        return str((await home.do(lambda tx: issue_code(tx, teacher)))["secret"])

    async def use(code: str) -> int:
        body = {"code": code, "login": "teacher", "password": PASSWORD}
        return (await home.anonymous.post("/activation", body)).status_code

    def alike(code: str, n: int) -> str:
        """Another valid code that begins with the same symbols."""
        body = read(code).text[:19] + SYMBOLS[(SYMBOLS.index(read(code).text[19]) + n) % 32]
        number = 0
        for symbol in body:
            number = number * 32 + SYMBOLS.index(symbol)
        return body + CHECKS[number % 37]

    old = await fresh()
    new = await fresh()
    assert await use(old) == 403
    home.clock.advance(timedelta(days=14, seconds=1))
    assert await use(new) == 403
    tried = await fresh()
    for n in range(1, 11):
        assert await use(alike(tried, n)) == 403
    assert await use(tried) == 403
    mistyped = await fresh()
    wrong = mistyped[:-1] + ("A" if mistyped[-1] != "A" else "B")
    for _ in range(12):
        assert await use(wrong) == 422
    assert await use(mistyped) == 201


async def test_a_code_for_an_account_in_use_says_so_and_ends_its_sessions(home: House) -> None:
    admin, teacher = await home.person("Админ", "journal_administrator"), await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    cookie = (await sign_in(home, "teacher")).cookies["zhurnal"]
    assert await home.svc.exchange(cookie)
    issued = await home.as_(admin).post(f"/people/{teacher}/codes")
    assert issued.json()["reissued"] is True
    told = (await home.events("ActivationCodeIssued"))[-1]
    assert (told.reissued, told.staff) == (True, True), "by these its owner and the deputy hear of it"
    assert await home.svc.exchange(cookie), "a code alone changes nothing"
    body = {"code": issued.json()["secret"], "login": "teacher", "password": PASSWORD + " иначе"}
    assert (await home.anonymous.post("/activation", body)).status_code == 201
    assert await home.svc.exchange(cookie) is None
    assert (await sign_in(home, "teacher")).status_code == 401
    assert (await sign_in(home, "teacher", PASSWORD + " иначе")).status_code == 201


async def test_a_login_belongs_to_one_person_and_is_no_list_of_logins(home: House) -> None:
    first, second = await home.person("Первый", "teacher"), await home.person("Второй", "teacher")
    await home.account(first, "same")
    code = (await home.do(lambda tx: issue_code(tx, second)))["secret"]
    for _ in range(10):
        taken = await home.anonymous.post("/activation", {"code": code, "login": "SAME", "password": PASSWORD})
        assert (taken.status_code, taken.json()["code"]) == (409, "login-taken")
    spent = await home.anonymous.post("/activation", {"code": code, "login": "free", "password": PASSWORD})
    assert spent.json()["code"] == "code-refused"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"code": "x", "login": "teacher", "password": PASSWORD}, "code-mistyped"),
        ({"code": "0" * 20 + "0", "login": "teacher", "password": PASSWORD}, "code-refused"),
        ({"code": "0" * 20 + "0", "login": "teacher", "password": "short"}, "password-weak"),
        ({"code": "0" * 20 + "0", "login": "a b", "password": PASSWORD}, "login-not-sane"),
        ({"code": "0" * 20 + "0", "login": "teacher"}, "malformed"),
        ({"code": "0" * 20 + "0", "login": "teacher", "password": PASSWORD, "role": "director"}, "malformed"),
        ({"code": ["0"], "login": "teacher", "password": PASSWORD}, "malformed"),
    ],
)
async def test_bad_activations_are_problems(home: House, body: dict[str, Any], code: str) -> None:
    refused = await home.anonymous.post("/activation", body)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == code
    assert await home.count("account") == 0


# -- signing in ---------------------------------------------------------------------------------------------------


async def test_a_session_is_an_opaque_cookie_of_which_only_the_digest_is_kept(home: House) -> None:
    teacher = await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    answer = await sign_in(home, "teacher")
    assert answer.json()["person"]["id"] == teacher
    cookie = answer.headers["set-cookie"]
    secret = answer.cookies["zhurnal"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert len(secret) >= 43
    async with home.svc.commands.reading() as tx:
        for table in ("session", "event"):
            assert all(secret not in row[0] for row in await tx.rows(f"select t::text from {table} t"))
    token = await home.svc.exchange(secret)
    assert token is not None
    assert (await home.events("SessionOpened"))[-1].session == digest(secret)


async def test_over_tls_the_cookie_is_bound_to_the_host(database: NewDatabase) -> None:
    async with house(await database("identity"), secure=True) as home:
        teacher = await home.person("Учитель", "teacher")
        await home.account(teacher, "teacher")
        cookie = (await sign_in(home, "teacher")).headers["set-cookie"]
    assert cookie.startswith("__Host-zhurnal=")
    assert "Secure" in cookie


async def test_unknown_login_wrong_password_and_closed_account_answer_alike(home: House) -> None:
    teacher, closed = await home.person("Учитель", "teacher"), await home.person("Закрыт", "teacher")
    admin = await home.person("Админ", "journal_administrator")
    await home.account(teacher, "teacher")
    await home.account(closed, "closed")
    assert (await home.as_(admin).post(f"/people/{closed}/disabling")).status_code == 200
    answers = [
        await sign_in(home, "nobody"),
        await sign_in(home, "teacher", PASSWORD + "!"),
        await sign_in(home, "closed"),
    ]
    assert {a.status_code for a in answers} == {401}
    assert len({a.content for a in answers}) == 1


async def test_sign_in_is_throttled_per_account_known_or_not(home: House) -> None:
    teacher = await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    for login in ("teacher", "nobody"):
        codes = [(await sign_in(home, login, "wrong password")).status_code for _ in range(7)]
        assert codes == [401] * 5 + [429] * 2
    throttled = await sign_in(home, "teacher")
    assert throttled.status_code == 429
    assert int(throttled.headers["retry-after"]) >= 1
    home.clock.advance(timedelta(seconds=2))
    assert (await sign_in(home, "teacher")).status_code == 201
    assert (await sign_in(home, "teacher", "wrong password")).status_code == 401, "it begins anew after a success"


async def test_sign_in_is_throttled_per_source_over_many_logins(home: House) -> None:
    answers = [(await sign_in(home, f"login{n}", "wrong password", "192.0.2.7")).status_code for n in range(52)]
    assert answers == [401] * 50 + [429] * 2
    assert (await sign_in(home, "login99", "wrong password", "192.0.2.8")).status_code == 401


async def test_demo_accounts_sign_in_from_this_machine_only(home: House) -> None:
    demo = await home.person("Пример", "teacher", demo=True)
    await home.account(demo, "demo")
    for address in ("127.0.0.1", "127.5.5.5", "::1"):
        assert (await sign_in(home, "demo", address=address)).status_code == 201
    for address in ("192.0.2.1", "10.0.0.1", "", "fe80::1"):
        refused = await sign_in(home, "demo", address=address)
        assert (refused.status_code, refused.json()["code"]) == (403, "demo-from-elsewhere")
    wrong = await sign_in(home, "demo", "wrong password", "192.0.2.1")
    assert wrong.status_code == 401, "only the right password tells that it is a demo account"


async def test_a_demo_account_takes_nobody_in_behind_a_tls_proxy(database: NewDatabase) -> None:
    """There every client seems to be on this machine."""
    async with house(await database("identity"), secure=True) as home:
        await home.account(await home.person("Пример", "teacher", demo=True), "demo")
        assert (await sign_in(home, "demo", address="127.0.0.1")).status_code == 403


# -- sessions -----------------------------------------------------------------------------------------------------


async def test_own_sessions_are_listed_and_ended_and_foreign_ones_are_not_there(home: House) -> None:
    teacher, other = await home.person("Учитель", "teacher"), await home.person("Другой", "teacher")
    await home.account(teacher, "teacher")
    await home.account(other, "other")
    first, second = [(await sign_in(home, "teacher")).cookies["zhurnal"] for _ in range(2)]
    foreign = (await sign_in(home, "other")).cookies["zhurnal"]
    asks = home.as_(teacher, digest(first))
    listed = (await asks.get("/sessions")).json()["sessions"]
    assert {s["id"] for s in listed} == {digest(first), digest(second)}
    assert [s["id"] for s in listed if s["current"]] == [digest(first)]
    assert (await asks.request("DELETE", f"/sessions/{digest(foreign)}")).status_code == 404
    assert (await asks.request("DELETE", f"/sessions/{digest(second)}")).status_code == 200
    assert await home.svc.exchange(second) is None
    assert await home.svc.exchange(foreign)
    out = await asks.request("DELETE", "/sessions/current")
    assert out.status_code == 200
    assert 'zhurnal=""' in out.headers["set-cookie"]
    assert await home.svc.exchange(first) is None
    assert (await asks.get("/me")).status_code == 401, "the token of an ended session is refused everywhere"


async def test_staff_and_family_sessions_end_when_their_limits_pass(home: House) -> None:
    teacher, student = await home.person("Учитель", "teacher"), await home.person("Студент")
    await home.group("А", student)
    await home.account(teacher, "teacher")
    await home.account(student, "student")
    staff, family = [(await sign_in(home, login)).cookies["zhurnal"] for login in ("teacher", "student")]
    for _ in range(4):  # used every 20 minutes, it slides
        home.clock.advance(timedelta(minutes=20))
        assert await home.svc.exchange(staff)
        await home.svc.sessions.flush()
    home.clock.advance(timedelta(minutes=30))
    assert await home.svc.exchange(staff) is None
    assert await home.svc.exchange(family)
    await home.svc.sessions.flush()
    home.clock.advance(timedelta(hours=8))
    assert await home.svc.exchange(family) is None
    await home.svc.sessions.sweep()
    assert await home.count("session") == 0


async def test_a_staff_session_ends_after_twelve_hours_of_use(home: House) -> None:
    teacher = await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    cookie = (await sign_in(home, "teacher")).cookies["zhurnal"]
    for _ in range(35):
        home.clock.advance(timedelta(minutes=20))
        assert await home.svc.exchange(cookie)
    home.clock.advance(timedelta(minutes=20))
    assert await home.svc.exchange(cookie) is None


async def test_exchange_asks_the_database_once_a_minute_and_writes_in_batches(home: House) -> None:
    teacher = await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    cookie = (await sign_in(home, "teacher")).cookies["zhurnal"]
    first = await home.svc.exchange(cookie)
    before = await home.svc.log.head()
    # With all connections taken nothing could be asked.
    connections = [await home.svc.pool.getconn() for _ in range(home.svc.pool.max_size)]
    assert [await home.svc.exchange(cookie) for _ in range(20)] == [first] * 20
    for conn in connections:
        await home.svc.pool.putconn(conn)
    assert await home.svc.log.head() == before
    assert await home.svc.exchange("no such cookie") is None


async def test_a_disabled_account_is_out_at_once_and_may_come_back(home: House) -> None:
    admin, teacher = await home.person("Админ", "journal_administrator"), await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    cookie = (await sign_in(home, "teacher")).cookies["zhurnal"]
    token_client = home.as_(teacher, digest(cookie))
    assert (await token_client.get("/me")).status_code == 200
    assert (await home.as_(admin).post(f"/people/{teacher}/disabling")).status_code == 200
    assert await home.svc.exchange(cookie) is None
    assert (await token_client.get("/me")).status_code == 401
    assert (await home.as_(admin).post(f"/people/{teacher}/disabling")).status_code == 409
    assert (await home.as_(admin).post(f"/people/{teacher}/enabling")).status_code == 200
    assert await home.svc.exchange(cookie) is None, "a former session does not come back"
    assert (await sign_in(home, "teacher")).status_code == 201


async def test_revocation_by_another_process_reaches_the_exchange(home: House) -> None:
    teacher = await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    cookie = (await sign_in(home, "teacher")).cookies["zhurnal"]
    assert await home.svc.exchange(cookie)
    elsewhere = Identity(
        home.svc.pool,
        home.svc.log,
        home.svc.issuer,
        home.reader._grants,
        home.clock,
        CountingIds(),
        home.svc.zone,
        secure=False,
    )
    await home.do(lambda tx: elsewhere.sessions.end(tx, teacher, digest(cookie)))
    await home.reader.catch_up()
    assert not home.reader._grants.admits(Claims(teacher, digest(cookie), 0))
    assert await home.svc.exchange(cookie) is None


# -- changing one's own password ----------------------------------------------------------------------------------

OTHER_PASSWORD = "совсем другие слова тут"


async def change_password(home: House, cookie: str, person: str, **more: Any) -> Any:
    body = {"current": PASSWORD, "password": OTHER_PASSWORD, **more.pop("body", {})}
    client = home.as_(person, digest(cookie)).from_(more.pop("address", "127.0.0.1"))
    return await client.post("/me/password", body, **more)


async def of_teacher(home: House, sessions: int = 1) -> tuple[str, list[str]]:
    """A teacher with an account, and the cookies of his sessions."""
    teacher = await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    return teacher, [(await sign_in(home, "teacher")).cookies["zhurnal"] for _ in range(sessions)]


async def test_i1_who_changes_his_password_keeps_this_session_and_ends_all_others_at_once(home: House) -> None:
    teacher, (here, lost, old) = await of_teacher(home, 3)
    other = await home.person("Другой", "teacher")
    await home.account(other, "other")
    foreign = (await sign_in(home, "other")).cookies["zhurnal"]
    for cookie in (here, lost, old, foreign):
        assert await home.svc.exchange(cookie)
    changed = await change_password(home, here, teacher)
    assert changed.status_code == 200, changed.text
    assert changed.json()["sessions_ended"] == 2
    assert changed.headers["zhurnal-position"] == changed.json()["position"]
    assert [await home.svc.exchange(cookie) is None for cookie in (here, lost, old, foreign)] == [
        False, True, True, False,
    ]  # fmt: skip
    revoked = await home.events("SessionRevoked")
    assert {(e.session, e.person) for e in revoked} == {(digest(lost), teacher), (digest(old), teacher)}
    assert (await home.as_(teacher, digest(lost)).get("/me")).status_code == 401, "in every service"
    assert (await sign_in(home, "teacher")).status_code == 401
    assert (await sign_in(home, "teacher", OTHER_PASSWORD)).status_code == 201
    assert (await sign_in(home, "other")).status_code == 201


async def test_a_refused_change_of_password_changes_nothing_and_tells_little(home: House) -> None:
    teacher, (here, second) = await of_teacher(home, 2)
    without = await home.person("Без", "teacher")
    wrong = await change_password(home, here, teacher, body={"current": "wrong password"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "password-not-changed")
    nobody = await change_password(home, "no session", without)
    assert nobody.content == wrong.content, "nor whether there is an account"
    assert wrong.headers["content-language"] == "ru"
    english = await change_password(
        home, here, teacher, body={"current": "wrong password"}, headers={"Accept-Language": "en"}
    )
    assert english.json()["title"] == "The password was not changed"
    assert await home.svc.exchange(second)
    assert await home.events("SessionRevoked") == []
    assert (await sign_in(home, "teacher")).status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"password": "short"}, "password-weak"),
        ({"password": "teacherteacherteacher"}, "password-weak"),
        ({"password": "1234567890123456"}, "password-weak"),
        ({"password": ""}, "malformed"),
        ({"password": "x" * 257}, "malformed"),
        ({"password": None}, "malformed"),
        ({"current": ""}, "malformed"),
        ({"current": ["x"]}, "malformed"),
        ({"login": "other"}, "malformed"),
    ],
)
async def test_bad_changes_of_password_are_problems(home: House, body: dict[str, Any], code: str) -> None:
    teacher, (here,) = await of_teacher(home)
    for _ in range(7):  # none of them counts as a try
        refused = await change_password(home, here, teacher, body=body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
        assert refused.headers["content-type"] == "application/problem+json"
    assert (await sign_in(home, "teacher")).status_code == 201


async def test_changing_the_password_is_throttled_together_with_signing_in(home: House) -> None:
    teacher, (here,) = await of_teacher(home)
    codes = [(await sign_in(home, "teacher", "wrong password")).status_code for _ in range(3)]
    codes += [
        (await change_password(home, here, teacher, body={"current": "wrong password"})).status_code for _ in range(3)
    ]
    assert codes == [401] * 3 + [403] * 2 + [429]
    assert (await change_password(home, here, teacher)).status_code == 429, "the right one as well"
    home.clock.advance(timedelta(seconds=2))
    assert (await change_password(home, here, teacher)).status_code == 200
    assert (await sign_in(home, "teacher", "wrong password")).status_code == 401, "it begins anew after a success"


async def test_changing_the_password_is_throttled_per_source(home: House) -> None:
    for n in range(50):
        await sign_in(home, f"login{n}", "wrong password", "192.0.2.7")
    teacher, (here,) = await of_teacher(home)
    assert (await change_password(home, here, teacher, address="192.0.2.7")).status_code == 429
    assert (await change_password(home, here, teacher, address="192.0.2.8")).status_code == 200


async def test_a_change_of_password_sent_again_answers_as_before(home: House) -> None:
    teacher, (here, _) = await of_teacher(home, 2)
    first = await change_password(home, here, teacher, key="change-of-password")
    again = await change_password(home, here, teacher, key="change-of-password")
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(await home.events("SessionRevoked")) == 1
    another = await change_password(
        home, here, teacher, body={"password": "ещё одни слова иначе"}, key="change-of-password"
    )
    assert (another.status_code, another.json()["code"]) == (422, KeyReused.code)
    assert (await change_password(home, here, teacher, key="")).json()["code"] == "idempotency-key-missing"
    assert (await sign_in(home, "teacher", OTHER_PASSWORD)).status_code == 201


async def test_one_change_of_password_sent_many_times_at_once_is_made_once(home: House) -> None:
    teacher, (here, _) = await of_teacher(home, 2)
    answers = await gather(*(change_password(home, here, teacher, key="change-of-password") for _ in range(4)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert len(await home.events("SessionRevoked")) == 1


async def test_two_changes_of_password_at_once_leave_one_of_them(home: House) -> None:
    teacher, (here, there) = await of_teacher(home, 2)
    answers = await gather(change_password(home, here, teacher), change_password(home, there, teacher))
    assert sorted(a.status_code for a in answers) == [200, 403]
    kept = [await home.svc.exchange(cookie) is not None for cookie in (here, there)]
    assert kept == [a.status_code == 200 for a in answers]


async def test_neither_password_nor_a_quick_hash_of_it_is_kept(home: House) -> None:
    teacher, (here, _) = await of_teacher(home, 2)
    assert (await change_password(home, here, teacher, key="change-of-password")).status_code == 200
    async with home.svc.commands.reading() as tx:
        receipts = await tx.rows("select request from command")
        assert {request for (request,) in receipts} == {""}
        for table in ("command", "account", "event"):
            for (row,) in await tx.rows(f"select t::text from {table} t"):
                assert PASSWORD not in row
                assert OTHER_PASSWORD not in row
    rows = await home.svc.log.read(0, 10_000)
    assert Meta.of(rows[-1].meta).request == ""


# -- the first administrator, oneself, keys -----------------------------------------------------------------------


async def test_the_first_administrator_gets_a_one_time_code(home: House) -> None:
    lost = await first_code(home.svc.commands, home.svc.as_system())
    code = await first_code(home.svc.commands, home.svc.as_system())
    assert lost != code
    for stale in (lost,):
        body = {"code": stale, "login": "admin1", "password": PASSWORD}
        assert (await home.anonymous.post("/activation", body)).status_code == 403
    body = {"code": code, "login": "admin1", "password": PASSWORD}
    assert (await home.anonymous.post("/activation", body)).status_code == 201
    me = (await sign_in(home, "admin1")).json()["person"]
    assert [role["role"] for role in me["roles"]] == ["journal_administrator"]
    assert await first_code(home.svc.commands, home.svc.as_system()) is None
    assert await home.count("person") == 1


async def test_the_last_administrator_is_neither_disabled_nor_revoked(home: House) -> None:
    first, second = [await home.person(n, "journal_administrator") for n in ("Первый", "Второй")]
    await home.account(first, "admin1")
    await home.account(second, "admin2")
    roles = (await home.as_(first).get(f"/people/{second}")).json()["roles"]
    assert (await home.as_(first).post(f"/people/{second}/disabling")).status_code == 200
    own = (await home.as_(first).get(f"/people/{first}")).json()["roles"]
    refused = await home.as_(first).request("DELETE", f"/people/{first}/roles/{own[0]['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "last-administrator")
    assert (await home.as_(first).request("DELETE", f"/people/{second}/roles/{roles[0]['id']}")).status_code == 200


async def test_keys_are_public_and_verify_the_tokens(home: House) -> None:
    (key,) = (await home.anonymous.get("/keys")).json()["keys"]
    token = home.svc.issuer.issue("person", "session")
    options = {"verify_exp": False, "verify_iat": False}
    decoded = jwt.decode(token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="zhurnal", options=options)  # type: ignore[arg-type]
    assert decoded["sub"] == "person"


async def test_the_same_key_with_another_request_is_refused(home: House) -> None:
    admin, teacher = await home.person("Админ", "journal_administrator"), await home.person("Учитель", "teacher")
    asks = home.as_(admin)
    assert (await asks.post(f"/people/{teacher}/codes", key="one-key-for-two")).status_code == 201
    other = await asks.post("/groups", {"title": "А"}, key="one-key-for-two")
    assert (other.status_code, other.json()["code"]) == (422, KeyReused.code)
    assert (await asks.post("/groups", {"title": "А"}, key="")).json()["code"] == "idempotency-key-missing"


# -- at once ------------------------------------------------------------------------------------------------------


async def test_one_request_sent_many_times_at_once_is_carried_out_once(home: House) -> None:
    admin = await home.person("Админ", "journal_administrator")
    asks, body = home.as_(admin), {"family_name": "Один", "given_name": "Раз"}
    answers = await gather(*(asks.post("/people", body, key="sent-many-times") for _ in range(8)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert await home.count("person") == 2
    assert len(await home.events("PersonRegistered")) == 2


async def test_a_code_used_twice_at_once_makes_one_account(home: House) -> None:
    teacher = await home.person("Учитель", "teacher")
    code = (await home.do(lambda tx: issue_code(tx, teacher)))["secret"]
    bodies = [{"code": code, "login": f"login{n}", "password": PASSWORD} for n in range(4)]
    answers = await gather(*(home.anonymous.post("/activation", body) for body in bodies))
    assert sorted(a.status_code for a in answers) == [201, 403, 403, 403]
    assert len(await home.events("AccountActivated")) == 1


async def test_two_administrators_cannot_revoke_each_other(home: House) -> None:
    first, second = [await home.person(n, "journal_administrator") for n in ("Первый", "Второй")]
    grants = {p: (await home.as_(p).get(f"/people/{p}")).json()["roles"][0]["id"] for p in (first, second)}
    answers = await gather(
        home.as_(first).request("DELETE", f"/people/{second}/roles/{grants[second]}"),
        home.as_(second).request("DELETE", f"/people/{first}/roles/{grants[first]}"),
    )
    assert sorted(a.status_code for a in answers)[-1] in (401, 403, 409)
    async with home.svc.commands.reading() as tx:
        left = await tx.row("select count(*) from relation where relation = 'journal_administrator'")
    assert left == (1,)


async def test_sign_ins_tried_at_once_are_counted_before_they_are_judged(home: House) -> None:
    teacher = await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    answers = await gather(*(sign_in(home, "teacher", "wrong password") for _ in range(20)))
    assert sorted(a.status_code for a in answers) == [401] * 5 + [429] * 15


async def test_a_lost_database_is_a_problem_and_a_refused_change_leaves_nothing(home: House) -> None:
    admin = await home.person("Админ", "journal_administrator")
    asks = home.as_(admin)
    body = {"family_name": "Два", "given_name": "Раза"}

    async def breaks(tx: Tx) -> dict[str, Any]:
        await register(tx, PersonData("Полу", "Сделано"))
        await tx.run("select pg_terminate_backend(pg_backend_pid())")
        return {}

    with pytest.raises(OutcomeUnclear):
        await home.do(breaks)
    assert await home.count("person") == 1
    done = await asks.post("/people", body)
    assert done.status_code in (201, 503)
    assert (await asks.post("/people", body)).status_code == 201


async def test_a_family_session_becomes_a_staff_session_with_the_role(home: House) -> None:
    student = await home.person("Студент")
    await home.group("А", student)
    await home.account(student, "student")
    cookie = (await sign_in(home, "student")).cookies["zhurnal"]
    home.clock.advance(timedelta(hours=1))
    assert await home.svc.exchange(cookie)
    await home.do(lambda tx: grant(tx, student, "teacher", "", Span(TODAY, None), ""))
    await home.reader.catch_up()
    home.clock.advance(timedelta(minutes=29))
    assert await home.svc.exchange(cookie)
    home.clock.advance(timedelta(minutes=31))
    assert await home.svc.exchange(cookie) is None


async def test_a_browser_signs_in_acts_and_signs_out_through_the_edge(home: House) -> None:
    teacher = await home.person("Учитель", "teacher")
    await home.account(teacher, "teacher")
    await home.reader.catch_up()
    rate, front = Rate(0, home.clock.monotonic), Front(["identity"], Board({}, home.clock, ZONE))
    edge = Edge({"identity": home.app}, home.svc.admission, front, list, rate=rate, secure=False)
    transport = httpx.ASGITransport(edge, client=("127.0.0.1", 50000))
    own = {"X-Zhurnal": "1", "Origin": "http://journal.test", "Idempotency-Key": "sign-out-1"}
    async with httpx.AsyncClient(transport=transport, base_url="http://journal.test", headers=own) as browser:
        assert (await browser.get("/api/identity/me")).status_code == 401
        body = {"login": "teacher", "password": PASSWORD}
        assert (await browser.post("/api/identity/sessions", json=body)).status_code == 201
        assert (await browser.get("/api/identity/me")).json()["person"]["id"] == teacher
        assert (await browser.get("/api/identity/log")).status_code == 404
        kept = dict(browser.cookies)
        assert (await browser.delete("/api/identity/sessions/current")).status_code == 200
        assert dict(browser.cookies) == {}
        browser.cookies.update(kept)
        assert (await browser.get("/api/identity/me")).status_code == 401
