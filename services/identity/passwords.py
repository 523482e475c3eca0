"""Passwords: what may be one, and how it is kept (Argon2id). Nobody but its owner ever knows it (I1).

The policy is length and a block-list, no rules of composition (OWASP ASVS 5.0). Hashing takes tens of milliseconds of
a core, so it runs in a thread and not more than two at a time.
"""

import asyncio
import itertools
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from services.identity import problems

LEAST: Final = 15
MOST: Final = 256
MEMORY_KIB: Final = 19 * 1024
TIME: Final = 2
AT_ONCE: Final = 2
FEWEST_DIFFERENT: Final = 5

COMMON: Final = (
    "password",
    "passw0rd",
    "parol",
    "пароль",
    "qwerty",
    "qwertz",
    "йцукен",
    "asdfgh",
    "фывапр",
    "zxcvbn",
    "ячсмит",
    "admin",
    "administrator",
    "welcome",
    "letmein",
    "iloveyou",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "superman",
    "sunshine",
    "princess",
    "trustno1",
    "changeme",
    "login",
    "secret",
    "master",
    "user",
    "student",
    "teacher",
    "school",
    "college",
    "zhurnal",
    "журнал",
    "техникум",
    "колледж",
    "студент",
    "привет",
    "солнышко",
    "любовь",
)
"""Words that lists of stolen passwords begin with; a password made of nothing but these and digits is refused."""

ROWS: Final = (
    "1234567890" * 3,
    "qwertyuiopasdfghjklzxcvbnm",
    "йцукенгшщзхъфывапролджэячсмитьбю",
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)


def normalised(password: str) -> str:
    """One form for what looks the same on different keyboards."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, login: str = "") -> None:
    """Raises PasswordWeak for one that is too short, too long, common, a repetition, a row of keys or the login."""
    if not LEAST <= len(normalised(password)) <= MOST or _guessable(normalised(password).casefold(), login.casefold()):
        raise problems.PasswordWeak(least=LEAST, most=MOST)


def _guessable(text: str, login: str) -> bool:
    if len(set(text)) < FEWEST_DIFFERENT:
        return True
    if any(text == text[:n] * (len(text) // n) + text[: len(text) % n] for n in range(1, len(text) // 2 + 1)):
        return True
    if any(text in row or text in row[::-1] for row in ROWS):
        return True
    rest = text
    for word in sorted({*COMMON, login} - {""}, key=len, reverse=True):
        rest = rest.replace(word, "")
    # What is left besides common words: digits and signs add nothing to them.
    return sum(1 for c, _ in itertools.groupby(c for c in rest if c.isalpha())) < FEWEST_DIFFERENT


class Passwords:
    """Hashes and verifies. Tests may make it cheaper; nothing else should."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, time: int = TIME) -> None:
        self._hasher = PasswordHasher(time_cost=time, memory_cost=memory_kib, parallelism=1)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._nobody = self._hasher.hash("a password of nobody, verified for logins that do not exist")

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, normalised(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the one that was hashed. Takes the same time when there is none (`kept` None)."""
        async with self._turn:
            fits = await asyncio.to_thread(self._verify, kept or self._nobody, normalised(password))
        return fits and kept is not None

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (Argon2Error, InvalidHashError):
            return False

    def outdated(self, kept: str) -> bool:
        """The hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)
