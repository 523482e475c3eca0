"""What a cell of a roster file may hold: text, day, yes or no, list, address. Pure; raises `BadCell` with its code.

Days come as ISO day or instant (the day as written), `27.08.2018`, or with slashes, where a part above 12 tells which
part is the day; otherwise the order must be proven by another cell of the file or of the set.
"""

import re
from collections.abc import Iterable
from datetime import date, time
from typing import Final, Literal

DayOrder = Literal["day first", "month first"]

MAX_CELL: Final = 4_000
_ISO: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)
_SLASH: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_DOT: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_EMAIL: Final = re.compile(r"[^\s@,;<>]{1,64}@[^\s@,;<>]{1,190}")
_YES: Final = frozenset({"true", "1", "yes", "да"})
_NO: Final = frozenset({"false", "0", "no", "нет"})


class BadCell(ValueError):
    """The cell cannot be understood. `code` is a finding's code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def clean(text: str) -> str:
    """Text without outer blanks, inner runs of white space as one blank. Control characters are refused."""
    text = " ".join(text.split())
    if len(text) > MAX_CELL:
        raise BadCell("too_long")
    if not text.isprintable() and any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in text):
        raise BadCell("bad_text")
    return text


def listed(text: str) -> tuple[str, ...]:
    """The items of a comma-separated list, each once, in their order."""
    return tuple(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))


def flag(text: str) -> bool | None:
    """Yes or no; None for an empty cell."""
    word = text.casefold()
    if not word:
        return None
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadCell("bad_flag")


def email(text: str) -> str:
    """The address when it looks like one."""
    if text and not _EMAIL.fullmatch(text):
        raise BadCell("bad_email")
    return text


def day(text: str, order: DayOrder | None = None) -> date:
    """The day that the cell names; `order` decides `1/05/2023`. Years 1900 to 2100 only."""
    if m := _ISO.fullmatch(text):
        if m[4]:
            try:
                time.fromisoformat(m[4])
            except ValueError:
                raise BadCell("bad_date") from None
        return _day(m[1], m[2], m[3])
    if m := _DOT.fullmatch(text):
        return _day(m[3], m[2], m[1])
    if m := _SLASH.fullmatch(text):
        proven = _proven(m[1], m[2])
        if proven is None and m[1].zfill(2) != m[2].zfill(2):
            proven = order
            if proven is None:
                raise BadCell("ambiguous_date")
        return _day(m[3], m[1], m[2]) if proven == "month first" else _day(m[3], m[2], m[1])
    raise BadCell("bad_date")


def day_order(texts: Iterable[str]) -> DayOrder | None:
    """The order of day and month that the cells prove together; None when they prove nothing or contradict."""
    proofs = {p for t in texts if (m := _SLASH.fullmatch(t)) and (p := _proven(m[1], m[2]))}
    return proofs.pop() if len(proofs) == 1 else None


def _proven(first: str, second: str) -> DayOrder | None:
    if int(first) > 12:
        return "day first"
    return "month first" if int(second) > 12 else None


def _day(year: str, month: str, day_: str) -> date:
    try:
        found = date(int(year), int(month), int(day_))
    except ValueError:
        raise BadCell("bad_date") from None
    if not 1900 <= found.year <= 2100:
        raise BadCell("bad_date")
    return found
