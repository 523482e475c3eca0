"""Passwords, activation codes, throttling, signing keys: what can be judged without a database."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from services.identity import codes, passwords, problems, sessions, throttle
from services.identity.keys import jwks, signing_key
from services.identity.passwords import Passwords
from services.kit.settings import CannotStart

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "password",
    [
        "короткий пароль",
        "correct horse battery",
        "нет ни цифр ни прописных",
        "жёлтый-трактор-поёт",
        "x7!x7!qwLm-parol-9",
        "зима весна лето осень",
    ],
)
def test_long_passwords_without_any_composition_are_taken(password: str) -> None:
    passwords.check(password, "person.test")


@pytest.mark.parametrize(
    "password",
    [
        "четырнадцать14",
        "",
        "passwordpassword",
        "Password123456789",
        "парольпарольпароль1",
        "qwertyuiopasdfgh",
        "йцукенгшщзхъфыва",
        "123456789012345678",
        "aaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabcabc",
        "ivanova.anna2008!!!",
        "1qaz2wsx3edc4rfv5tgb",
        "adminadminadmin2025",
        "ж" * 300,
    ],
)
def test_short_common_repeated_passwords_and_logins_are_refused(password: str) -> None:
    with pytest.raises(problems.PasswordWeak):
        passwords.check(password, "ivanova.anna")


async def test_argon2id_of_the_stated_cost_and_one_time_for_nobody() -> None:
    real = Passwords()
    kept = await real.hash("четыре разных слова")
    assert kept.startswith("$argon2id$")
    memory, time = re.search(r"m=(\d+),t=(\d+)", kept).groups()  # type: ignore[union-attr]
    assert int(memory) >= 19 * 1024
    assert int(time) >= 2
    assert await real.verify(kept, "четыре разных слова")
    assert not await real.verify(kept, "четыре разных слова ")
    assert not await real.verify(None, "a password of nobody, verified for logins that do not exist")
    assert not real.outdated(kept)
    assert Passwords(memory_kib=64, time=1).outdated(kept)


def test_codes_have_a_hundred_bits_and_a_check_symbol() -> None:
    made = {codes.fresh() for _ in range(200)}
    assert len({code.text for code in made}) == 200
    for code in made:
        assert codes.read(code.written) == code
        assert codes.read(code.written.lower().replace("-", " ").replace("0", "o").replace("1", "l")) == code
        assert re.fullmatch(r"([0-9A-Z]{5}-){4}[0-9A-Z*~$=]", code.written)
        assert code.text not in (code.selector, code.digest)


@given(st.integers(0, 19), st.sampled_from(codes.SYMBOLS))
def test_one_wrong_symbol_is_noticed(at: int, other: str) -> None:
    text = codes.fresh().text
    if text[at] == other:
        return
    with pytest.raises(problems.CodeMistyped):
        codes.read(text[:at] + other + text[at + 1 :])


@given(st.text(max_size=40))
def test_anything_typed_is_a_code_or_mistyped(typed: str) -> None:
    with suppress(problems.CodeMistyped):
        assert len(codes.read(typed).text) == 21


def test_pauses_double_up_to_a_quarter_of_an_hour() -> None:
    pauses = [throttle.pause(failures, 5).total_seconds() for failures in (0, 4, 5, 6, 7, 100)]
    assert pauses == [0, 0, 1, 2, 4, 900]


def test_a_login_is_throttled_without_being_stored() -> None:
    assert "ivanova" not in throttle.account("ivanova").key


def test_sessions_end_by_idleness_and_absolutely() -> None:
    now = datetime(2025, 9, 1, tzinfo=UTC)
    minute = timedelta(minutes=1)
    assert sessions.alive(False, now - timedelta(hours=11), now - 29 * minute, now)
    assert not sessions.alive(False, now - timedelta(hours=11), now - 30 * minute, now)
    assert not sessions.alive(False, now - timedelta(hours=12), now, now)
    assert sessions.alive(True, now - timedelta(days=29), now - timedelta(hours=7), now)
    assert not sessions.alive(True, now - timedelta(days=29), now - timedelta(hours=8), now)
    assert not sessions.alive(True, now - timedelta(days=30), now, now)


def test_the_signing_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    key = signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = signing_key(path)
    assert key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == again.public_key().public_bytes(
        Encoding.Raw, PublicFormat.Raw
    )
    assert list(tmp_path.iterdir()) == [path]
    (published,) = jwks(key.public_key())["keys"]
    assert "d" not in published
    assert published["crv"] == "Ed25519"


def test_a_broken_signing_key_refuses_the_start(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("no key")
    with pytest.raises(CannotStart):
        signing_key(path)
