"""Activation codes: 20 symbols of Crockford's base32 (100 bits) and a check symbol, written in groups of five.

A mistyped code is told from a wrong one by its check symbol, so an honest slip costs no try. The first symbols find
the code, so that wrong tries can be counted against it; the whole is kept only as SHA-256.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Final, NamedTuple

from services.identity import problems

SYMBOLS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECKS: Final = SYMBOLS + "*~$=U"
LENGTH: Final = 20
SELECTOR: Final = 5
LIFETIME: Final = timedelta(days=14)
TRIES: Final = 10
READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


class Code(NamedTuple):
    """A code in its canonical form, and what is stored of it."""

    text: str
    selector: str
    digest: str

    @property
    def written(self) -> str:
        """As printed on the slip: XXXXX-XXXXX-XXXXX-XXXXX-C."""
        body = self.text[:LENGTH]
        return "-".join([*(body[i : i + 5] for i in range(0, LENGTH, 5)), self.text[LENGTH:]])


def fresh() -> Code:
    """A new random code."""
    body = "".join(secrets.choice(SYMBOLS) for _ in range(LENGTH))
    return _of(body + _check(body))


def read(typed: str) -> Code:
    """A code as somebody typed it: letters of any case, O for 0, I and L for 1, groups as he likes.

    Raises CodeMistyped when it cannot be a code or its check symbol does not fit.
    """
    text = typed.upper().translate(READ_AS)
    body, check = text[:LENGTH], text[LENGTH:]
    if len(body) != LENGTH or not set(body) <= set(SYMBOLS) or check != _check(body):
        raise problems.CodeMistyped
    return _of(text)


def _of(text: str) -> Code:
    return Code(text, text[:SELECTOR], hashlib.sha256(text.encode()).hexdigest())


def _check(body: str) -> str:
    number = 0
    for symbol in body:
        number = number * 32 + SYMBOLS.index(symbol)
    return CHECKS[number % 37]
