"""One CSV file of a roster as rows of named cells, each with its line.

Encoding (UTF-8 with or without mark, UTF-16 with mark, else Windows-1251), separator and line ends are detected;
headers are matched without regard to case, known misspellings are accepted. What cannot be read at all is a fatal
finding, a row that cannot be read is an error of its own.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.importing.cells import BadCell, clean
from services.importing.columns import ALIASES, FileSpec, Stand
from services.importing.findings import Findings

MAX_ROWS: Final = 300_000
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SEPARATORS: Final = {",": ",", ";": ";", "\t": "tab", "|": "|"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row: cells by OneRoster column, cleaned; a column that the file lacks reads as ""."""

    file: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def where(self) -> str:
        """`file:line` of the row."""
        return f"{self.file}:{self.line}"


class Table(NamedTuple):
    """A file that was read. `keys`: by what other files refer to a row → its sourcedId. `spoilt`: rows were refused."""

    file: str
    headers: frozenset[str]
    rows: list[Row]
    keys: dict[str, str]
    spoilt: bool


def read_lines(file: str, data: bytes, findings: Findings) -> Iterator[tuple[int, list[str]]]:
    """The non-empty lines of a CSV file: line number where the row begins, raw cells. Fatal findings end it."""
    text = _decode(file, data, findings)
    if text is None:
        return
    separator = _separator(text)
    if separator != ",":
        findings.add("delimiter", file, 1, value=_SEPARATORS[separator])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = 0
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as broken:
            # after a broken quote every later line may be read wrongly, so nothing of the file is believed
            findings.add("bad_csv", file, line, value=broken)
            return
        if cells is None:
            return
        if any(not c.isspace() and c for c in cells):
            rows += 1
            if rows > MAX_ROWS:
                findings.add("too_big", file, line, value=MAX_ROWS)
                return
            yield line, cells


def read_table(file: str, data: bytes, spec: FileSpec, stand: Stand | None, findings: Findings) -> Table:
    """The rows of a file by the columns of its table in the standard, or by those of a layout."""
    stand = stand or Stand(file)
    before = len(findings.all)
    lines = read_lines(file, data, findings)
    first = next(lines, None)
    if first is None:
        if len(findings.all) == before:
            findings.add("no_header", file)
        return Table(file, frozenset(), [], {}, True)
    names = _headers(file, first, spec, stand, findings)
    present = {column for columns in names for column in columns}
    for column in spec.required:
        if column in stand.derived:
            findings.add("column_derived", file, first[0], column=column, value=stand.derived[column])
        elif column not in present:
            findings.add("column_missing", file, first[0], column=column)
    if "password" in present:
        findings.add("passwords_left", file, first[0])
    table = Table(file, frozenset(present), [], {}, False)
    spoilt = False
    for line, cells in lines:
        row = _row(file, line, cells, names, findings)
        if row is None:
            spoilt = True
            continue
        key = row.cells.pop(_KEY, "")
        if key and row["sourcedId"]:
            table.keys[key] = row["sourcedId"]
        table.rows.append(row)
    if not table.rows and not spoilt:
        findings.add("empty_file", file)
    return table._replace(spoilt=spoilt)


_KEY: Final = "(key)"


def _headers(
    file: str, first: tuple[int, list[str]], spec: FileSpec, stand: Stand, findings: Findings
) -> list[tuple[str, ...]]:
    """For each cell of the header line the columns it feeds: one, none, or several in a layout."""
    line, cells = first
    known = {c.lower(): c for c in spec.columns if c not in stand.columns}
    wanted: dict[str, list[str]] = {}
    for column, header in stand.columns.items():
        wanted.setdefault(header.lower(), []).append(column)
    if stand.key:
        wanted.setdefault(stand.key.lower(), []).append(_KEY)
    names: list[tuple[str, ...]] = []
    for cell in cells:
        header = " ".join(cell.replace("\ufeff", "").split())
        word = header.lower()
        fed = tuple(wanted.get(word, ())) or ((known[word],) if word in known else ())
        if not fed and word in ALIASES and ALIASES[word] in spec.columns:
            fed = (ALIASES[word],)
            findings.add("column_alias", file, line, value=header, column=fed[0])
        elif not fed and word and not word.startswith("metadata"):
            findings.add("column_unknown", file, line, value=header)
        names.append(fed or ((_IGNORED,) if word else ()))
    fed_all = [c for columns in names for c in columns if c != _IGNORED]
    for column in sorted({c for c in fed_all if fed_all.count(c) > 1}):
        findings.add("header_twice", file, line, column=column)
    unnamed = names.count(())
    if unnamed:
        findings.add("column_unnamed", file, line, value=unnamed)
    return names


_IGNORED: Final = "(ignored)"


def _row(file: str, line: int, cells: list[str], names: list[tuple[str, ...]], findings: Findings) -> Row | None:
    found: dict[str, str] = {}
    for n, cell in enumerate(cells):
        if not cell:
            continue
        columns = names[n] if n < len(names) else ()
        try:
            value = clean(cell)
        except BadCell as bad:
            findings.add(bad.code, file, line, column=columns[0] if columns else n + 1)
            return None
        if not columns and value:
            # data without a name mostly means a comma outside quotes, that is, every cell after it is another's
            findings.add("unnamed_cell" if n < len(names) else "extra_cells", file, line, value=value)
            return None
        for column in columns:
            # never taken over: a password must not even reach the document's maker
            if column not in (_IGNORED, "password"):
                found[column] = value
    return Row(file, line, found)


def _decode(file: str, data: bytes, findings: Findings) -> str | None:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1251")
    except UnicodeDecodeError:
        findings.add("bad_encoding", file)
        return None
    findings.add("encoding_guessed", file, value="Windows-1251")
    return text


def _separator(text: str) -> str:
    """The separator that the header line uses most outside quotes; a comma when it uses none."""
    header = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    bare = "".join(header.split('"')[::2])
    return max(_SEPARATORS, key=lambda s: (bare.count(s), s == ","))
