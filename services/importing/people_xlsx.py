"""People lists in XLSX → `services.importing.roster.Roster`, and the template that such a list starts from.

One row is one person in one role; a person may have several rows. People are recognised by their code (number of the
staff card or of the record book), without one by their full name, so reading a list twice gives the same document.
A list only adds and amends: its silence means nothing. Whatever the file holds, the answer is a `Reading`.
"""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from services.importing import cells
from services.importing.archive import read_limited
from services.importing.cells import BadCell
from services.importing.findings import Findings
from services.importing.lists import ROLES as ROLE_WORDS
from services.importing.lists import Entry, assemble
from services.importing.roster import Reading

DEFAULT_SOURCE: Final = "people"
SHEET: Final = "Люди"
HELP_SHEET: Final = "Пояснения"

_MAX_ROWS: Final = 20_000
_MAX_COLUMNS: Final = 100
_HEADER_WITHIN: Final = 30
# A list of 10,000 people unpacks to 5 MiB; openpyxl needs some thirty times that in memory.
_MAX_UNPACKED: Final = 16 * 2**20
_MAX_MERGED: Final = 50_000
_MERGE: Final = re.compile(rb"mergeCell\s[^>]*?ref=[\"']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})")

# Column, what is written in the header, other spellings, what the help sheet says of it.
COLUMNS: Final[dict[str, tuple[str, tuple[str, ...], str]]] = {
    "code": (
        "Код",
        ("табельный номер", "номер зачётной книжки", "номер зачетной книжки", "ид"),
        "Табельный номер или номер зачётной книжки. Не обязателен, но без него однофамильцы не различаются.",
    ),
    "family": ("Фамилия", (), "Обязательно."),
    "given": ("Имя", (), "Обязательно."),
    "middle": ("Отчество", (), "Если есть."),
    "role": (
        "Роль",
        (),
        "Обязательно, из списка. Несколько ролей — через точку с запятой или отдельными строками.",
    ),
    "group": ("Группа", ("учебная группа",), "Обязательно для студента (где учится) и куратора (чья группа)."),
    "since": ("Зачислен с", ("дата зачисления",), "День зачисления в группу; пусто — день загрузки списка."),
    "birth": ("Дата рождения", ("др",), "В виде 17.04.2008."),
    "email": ("Эл. почта", ("электронная почта", "почта", "email", "e-mail"), "Адрес для уведомлений."),
    "phone": ("Телефон", ("тел.", "тел"), "Как текст, вместе с кодом."),
    "child": (
        "Ребёнок",
        ("ребенок", "дети", "ребёнок/подопечный"),
        "Для родителя или законного представителя: код или фамилия, имя и отчество студента из этого же списка; "
        "нескольких — через точку с запятой.",
    ),
}
_REQUIRED: Final = ("family", "given", "role")
_SEVERAL: Final = ("role", "child")


def read(path: Path, source: str = DEFAULT_SOURCE) -> Reading:
    """Read a list. `source` names its origin: the same name for every list about the same people."""
    findings = Findings()
    if ":" in source or not source.strip() or len(source) > 200:
        findings.add("bad_source", value=source)
    data = read_limited(path, findings)
    entries = list(_entries(path.name, data, findings)) if data is not None and not findings.fatal else []
    roster = None if findings.fatal else assemble(source, entries, findings)
    return Reading(roster=roster, findings=tuple(findings.all))


def template() -> bytes:
    """A workbook to fill in: headers, a list of roles to choose from, and a sheet of explanations with an example."""
    book = Workbook()
    sheet = book.active
    sheet.title = SHEET
    sheet.append([title for title, _, _ in COLUMNS.values()])
    for n, (name, (title, _, _)) in enumerate(COLUMNS.items(), 1):
        cell = sheet.cell(1, n)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDE6F0" if name in _REQUIRED else "F2F2F2")
        letter = get_column_letter(n)
        sheet.column_dimensions[letter].width = max(14, len(title) + 4)
        # text, so that Excel keeps leading zeros of codes and does not turn phones into numbers
        sheet.column_dimensions[letter].number_format = "DD.MM.YYYY" if name in ("since", "birth") else "@"
    sheet.freeze_panes = "A2"
    choice = DataValidation(
        type="list", formula1='"' + ",".join(ROLE_WORDS) + '"', allow_blank=True, errorStyle="warning"
    )
    letter = get_column_letter(list(COLUMNS).index("role") + 1)
    choice.add(f"{letter}2:{letter}{_MAX_ROWS}")
    sheet.add_data_validation(choice)
    _help(book.create_sheet(HELP_SHEET))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _help(sheet: Any) -> None:
    rows = [
        ("Столбец", "Что писать"),
        *((title, text) for title, _, text in COLUMNS.values()),
        ("", ""),
        ("Роли", "; ".join(ROLE_WORDS)),
        ("Пример", "Фамилия: Примеров · Имя: Пример · Отчество: Примерович · Роль: Студент · Группа: ПР-11"),
        ("Пароли", "Паролей в списке нет: каждый получает одноразовый код активации и задаёт пароль сам."),
        ("Повтор", "Один и тот же список можно загружать снова: ничего не удвоится, пропавшие строки не удаляются."),
    ]
    for row in rows:
        sheet.append(row)
    sheet.column_dimensions["A"].width = 18
    sheet.column_dimensions["B"].width = 100
    for (cell,) in sheet["B1:B" + str(len(rows))]:
        cell.alignment = Alignment(wrap_text=True, vertical="top")


# --- reading


@dataclass(slots=True)
class _Sheet:
    """A sheet with formulas as text (`formulas`) and with their saved results (`values`)."""

    title: str
    formulas: Any
    values: Any


def _entries(file: str, data: bytes, findings: Findings) -> Iterator[Entry]:
    sheets = _open(file, data, findings)
    header = _header(sheets)
    if header is None:
        if not findings.fatal:
            findings.add("no_people_header", file)
        return
    sheet, header_row, names = header
    others = (s for s in sheets if s is not sheet and s.title != HELP_SHEET)
    for other in others:
        if _filled_rows(other):
            findings.add("sheet_ignored", f"{file}[{other.title}]", value=sheet.title)
    for name in _REQUIRED:
        if name not in names.values():
            findings.add("column_missing", file, header_row, column=COLUMNS[name][0])
    if findings.fatal:
        return
    given, across = _merged(file, sheet, header_row, names, findings)
    lines = [line for line in _filled_rows(sheet) if line > header_row]
    if len(lines) > _MAX_ROWS:
        findings.add("too_big", file, value=_MAX_ROWS)
        return
    for line in lines:
        if line in across:
            findings.add("merged_across", file, line, value=across[line])
            continue
        entry = _entry(file, sheet, line, names, given, findings)
        if entry is not None:
            yield entry


def _open(file: str, data: bytes, findings: Findings) -> list[_Sheet]:
    """The sheets of a workbook. What unpacks to too much or declares XML entities is not given to the XML parser."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            room = _MAX_UNPACKED
            for info in archive.infolist():
                with archive.open(info) as part:
                    text = part.read(room + 1)
                room -= len(text)
                if room < 0:
                    findings.add("too_big", file, value=f"{_MAX_UNPACKED // 2**20} MiB")
                    return []
                if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                    findings.add("not_xlsx", file, value="DOCTYPE")
                    return []
                if sum(_area(m) for m in _MERGE.finditer(text)) > _MAX_MERGED:
                    findings.add("too_big", file, value=f"{_MAX_MERGED} merged cells")
                    return []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl leaves out (charts, extensions) is of no use here
            formulas = load_workbook(io.BytesIO(data))
            values = load_workbook(io.BytesIO(data), data_only=True)
        return [_Sheet(s.title, s, values[s.title]) for s in formulas.worksheets]
    except Exception as broken:
        # openpyxl raises whatever its parser meets (KeyError, TypeError, ParseError …) on a damaged workbook
        findings.add("not_xlsx", file, value=type(broken).__name__)
        return []


def _area(merge: re.Match[bytes]) -> int:
    """How many cells a merged area has: openpyxl makes an object of each, so an area of whole columns is a trap."""
    left, right = (int(column_index_from_string(merge[n].decode())) for n in (1, 3))
    return (abs(right - left) + 1) * (abs(int(merge[4]) - int(merge[2])) + 1)


def _filled_rows(sheet: _Sheet) -> list[int]:
    """The numbers of rows that hold anything, by the cells that exist: a sheet formatted to its end has millions."""
    return sorted({line for (line, _), cell in sheet.formulas._cells.items() if cell.value is not None})


def _header(sheets: list[_Sheet]) -> tuple[_Sheet, int, dict[int, str]] | None:
    """The first sheet with a header row: its number and the known columns. The sheet «Люди» comes before others."""
    spellings = {_word(s): name for name, (title, more, _) in COLUMNS.items() for s in (title, *more)}
    for sheet in sorted(sheets, key=lambda s: s.title != SHEET):
        rows = sheet.values.iter_rows(max_row=_HEADER_WITHIN, max_col=_MAX_COLUMNS, values_only=True)
        for line, row in enumerate(rows, 1):
            names: dict[int, str] = {}
            for n, value in enumerate(row, 1):
                name = spellings.get(_word(value)) if isinstance(value, str) else None
                if name is not None and name not in names.values():
                    names[n] = name
            if "family" in names.values() and len(names) > 1 and sheet.title != HELP_SHEET:
                return sheet, line, names
    return None


def _word(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip("*: ")


def _merged(
    file: str, sheet: _Sheet, header_row: int, names: Mapping[int, str], findings: Findings
) -> tuple[dict[tuple[int, int], tuple[int, int]], dict[int, str]]:
    """Cells that take the value of the cell they were merged with, and rows that are merged across columns."""
    given: dict[tuple[int, int], tuple[int, int]] = {}
    across: dict[int, str] = {}
    for area in sheet.formulas.merged_cells.ranges:
        if area.min_row <= header_row or area.min_col not in names:
            continue
        lines = range(area.min_row, area.max_row + 1)
        if area.min_col != area.max_col:
            across.update((line, area.coord) for line in lines)
            continue
        findings.add("merged_down", file, area.min_row, value=area.coord)
        given.update(((line, area.min_col), (area.min_row, area.min_col)) for line in lines)
    return given, across


def _entry(
    file: str,
    sheet: _Sheet,
    line: int,
    names: Mapping[int, str],
    given: Mapping[tuple[int, int], tuple[int, int]],
    findings: Findings,
) -> Entry | None:
    """The row as text and dates, None when it is empty or refused."""
    texts: dict[str, str] = {}
    days: dict[str, date] = {}
    own = False
    for n, name in names.items():
        place = given.get((line, n), (line, n))
        title = COLUMNS[name][0]
        try:
            value = _value(sheet, *place)
            if name in ("since", "birth"):
                day = _day(value)
                if day is not None:
                    days[name] = day
            else:
                texts[name] = _text(value.replace("\n", ";") if name in _SEVERAL and isinstance(value, str) else value)
        except BadCell as bad:
            shown = sheet.values.cell(*place).value
            findings.add(bad.code, file, line, column=title, value=shown)
            return None
        own = own or (place == (line, n) and value not in (None, ""))
    if not own or not (any(texts.values()) or days):
        return None
    for name in _REQUIRED:
        if not texts.get(name):
            findings.add("missing_value", file, line, column=COLUMNS[name][0])
            return None
    return Entry(file, line, texts, days)


def _value(sheet: _Sheet, line: int, column: int) -> Any:
    """The value of a cell; of a formula its saved result."""
    cell = sheet.formulas.cell(line, column)
    value = sheet.values.cell(line, column).value
    if cell.data_type == "f" and value is None:
        raise BadCell("formula_empty")
    if cell.data_type == "e" or (isinstance(value, str) and value in ERROR_CODES):
        raise BadCell("cell_error")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime | date):
        value = value.strftime("%d.%m.%Y")
    return cells.clean(str(value))


def _day(value: Any) -> date | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return cells.day(value.isoformat())
    if isinstance(value, bool | int | float):
        raise BadCell("number_for_date")
    text = cells.clean(str(value))
    return cells.day(text, "day first") if text else None
