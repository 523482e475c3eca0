"""People lists in XLSX: the template, the cells that spreadsheets produce, and people who are easily confused."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from services.importing import people_xlsx
from services.importing.people_xlsx import COLUMNS, HELP_SHEET, SHEET, read, template
from services.importing.roster import Roster, record_id
from tests.unit.importing.helpers import codes, counts, marks

TITLES = {name: title for name, (title, _, _) in COLUMNS.items()}
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Saves rows, given by column name, into the template; `change` may spoil the sheet before."""

    def saved(*rows: dict[str, Any], change: Callable[[Any, Workbook], None] | None = None) -> Path:
        book = load_workbook(io.BytesIO(template()))
        for line, row in enumerate(rows, 2):
            for name, value in row.items():
                book[SHEET].cell(line, list(COLUMNS).index(name) + 1).value = value
        if change:
            change(book[SHEET], book)
        path = tmp_path / "list.xlsx"
        book.save(path)
        return path

    return saved


def person(family: str, role: str, **more: Any) -> dict[str, Any]:
    return {"family": family, "given": "Тест", "middle": "Тестович", "role": role, **more}


def accepted(path: Path) -> Roster:
    reading = read(path)
    roster = reading.accepted()
    assert roster is not None, marks(reading)
    return roster


STUDENT = person("Первый", "Студент", group="ПР-11", code="001", birth=datetime(2008, 4, 17), since="01.09.2025")
GUARDIAN = person("Опекунов", "Родитель", child="Первый Тест", phone=89990000000, email="g@test.invalid")
TEACHER = person("Учителев", "Преподаватель; Куратор", group="пр-11")


def test_the_template_is_an_empty_list_that_explains_itself(save: Save) -> None:
    book = load_workbook(io.BytesIO(template()))
    assert book.sheetnames == [SHEET, HELP_SHEET]
    assert [c.value for c in book[SHEET][1]] == list(TITLES.values())
    (choice,) = book[SHEET].data_validations.dataValidation
    assert "Студент" in str(choice.formula1)
    assert len(str(choice.formula1)) <= 255, "what Excel accepts"
    reading = read(save())
    assert reading.findings == ()
    assert reading.roster is not None
    assert not any(counts(reading.roster))


def test_a_filled_list(save: Save) -> None:
    reading = read(save(STUDENT, GUARDIAN, TEACHER))
    assert reading.findings == ()
    roster = accepted(save(STUDENT, GUARDIAN, TEACHER))
    assert roster == reading.roster, "twice the same"
    assert roster.source == "people"
    assert [(p.external_id, p.phone, p.birth_date) for p in roster.people] == [
        ("001", "", date(2008, 4, 17)),
        ("опекунов тест тестович", "89990000000", None),
        ("учителев тест тестович", "", None),
    ]
    (group,) = roster.groups
    assert group.name == "ПР-11"
    assert [(r.role, r.group_id) for r in roster.roles] == [
        ("student", None),
        ("guardian", None),
        ("curator", group.id),
        ("teacher", None),
    ]
    (enrolment,) = roster.enrolments
    assert (enrolment.group_id, enrolment.starts_on) == (group.id, date(2025, 9, 1))
    (link,) = roster.guardians
    assert link.student_id == record_id("people", "people", "001")
    assert roster.people[0].where == "list.xlsx:2"
    assert "bulk" not in roster.scope.values()


def test_numbers_and_dates_are_read_as_they_look(save: Save) -> None:
    roster = accepted(save({**STUDENT, "code": 15.0, "group": 211, "birth": "17.04.2008", "phone": 83850000000.0}))
    assert (roster.people[0].external_id, roster.people[0].phone) == ("15", "83850000000")
    assert roster.groups[0].name == "211"
    assert roster.people[0].birth_date == date(2008, 4, 17)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"family": "Первый", "role": "Студент"}, "missing_value"),
        (person("Первый", "Волшебник"), "unknown_role"),
        (person("Первый", ";"), "missing_value"),
        (person("Первый", "Студент"), "group_missing"),
        (person("Первый", "Куратор"), "group_missing"),
        (person("Первый", "Преподаватель", birth="30.02.2008"), "bad_date"),
        (person("Первый", "Преподаватель", birth=39555), "number_for_date"),
        (person("Первый", "Преподаватель", code="=1+1"), "formula_empty"),
        (person("Первый", "Преподаватель", code="#N/A"), "cell_error"),
        (person("Первый", "Преподаватель", child="Второй Тест"), "child_without_guardian"),
        (person("Первый", "Родитель", child="Никто Никакой"), "child_unknown"),
        (person("Первый", "Преподаватель", email="нет"), "bad_email"),
        (person("Первый", "Родитель"), "guardian_without_child"),
        (person("Первый", "Директор", group="ПР-11"), "group_needless"),
    ],
)
def test_doubtful_rows_are_named_by_their_line(save: Save, row: dict[str, Any], expected: str) -> None:
    good = person("Второй", "Преподаватель")
    reading = read(save(good, {}, row))
    assert marks(reading) == [f"list.xlsx:4 {expected}"]
    assert (reading.accepted() is None) == (reading.findings[0].severity == "error")
    assert reading.roster is not None
    assert "второй тест тестович" in {p.external_id for p in reading.roster.people}


def test_rows_of_one_person_join(save: Save) -> None:
    roster = accepted(
        save(
            person("Учителев", "Преподаватель", phone="1"),
            person("Учителёв", "куратор", group="ПР-11", email="t@test.invalid"),
            person("УЧИТЕЛЕВ", "Куратор", group="ПР-12"),
        )
    )
    (one,) = roster.people
    assert (one.family_name, one.phone, one.email) == ("Учителев", "1", "t@test.invalid")
    assert [r.role for r in roster.roles] == ["teacher", "curator", "curator"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (person("А", "Преподаватель", phone="1"), person("А", "Куратор", group="Г", phone="2"), "person_conflict"),
        (person("А", "Преподаватель", code="1"), person("Б", "Преподаватель", code="1", group=""), "row_twice"),
        (person("А", "Преподаватель", code="1"), person("Б", "Директор", code="1"), "person_conflict"),
        (person("А", "Студент", group="1"), person("А", "Студент", group="2"), "namesake_student"),
        (person("А", "Студент", group="1"), person("А", "Преподаватель"), "namesake_student"),
        (person("А", "Преподаватель"), person("А", "Студент", group="1"), "namesake_student"),
        (person("А", "Директор"), person("А", "Директор"), "row_twice"),
        (person("А", "Студент", group="1", code="1"), person("А", "Студент", group="1", code="2"), "namesakes"),
    ],
)
def test_namesakes_are_never_mixed_up(save: Save, first: dict[str, Any], second: dict[str, Any], expected: str) -> None:
    reading = read(save(first, second))
    assert marks(reading) == [f"list.xlsx:3 {expected}"]


def test_children_are_found_by_code_and_by_name(save: Save) -> None:
    a = person("Ребёнков", "Студент", group="1", code="1")
    b = person("Ребенков", "Студент", group="1", code="2")
    c = person("Другой", "Студент", group="1")
    assert codes(read(save(a, b, person("Мать", "Родитель", child="Ребёнков Тест")))) == [
        "namesakes",
        "child_ambiguous",
    ]
    roster = accepted(save(c, person("Мать", "Родитель", child="1\n2;Другой Тест Тестович"), a, b))
    assert len(roster.guardians) == 3
    assert codes(read(save(person("Отец", "Родитель", child="Мать Тест"), person("Мать", "Преподаватель")))) == [
        "child_unknown"
    ]


def test_merged_cells(save: Save) -> None:
    rows = [person(f"Студент-{n}", "Студент") for n in range(3)]
    rows[0]["group"] = "ПР-11"

    def down(sheet: Any, book: Workbook) -> None:
        column = list(COLUMNS).index("group") + 1
        sheet.merge_cells(start_row=2, end_row=6, start_column=column, end_column=column)

    reading = read(save(*rows, change=down))
    assert codes(reading) == ["merged_down"]
    assert reading.roster is not None
    assert len(reading.roster.enrolments) == 3, "and no people in the empty rows that the area covers"

    def across(sheet: Any, book: Workbook) -> None:
        sheet.merge_cells("B3:C3")

    reading = read(save(*(person(f"П-{n}", "Директор") for n in range(3)), change=across))
    assert marks(reading) == ["list.xlsx:3 merged_across"]


def test_a_title_above_the_header_and_other_sheets(save: Save) -> None:
    def titled(sheet: Any, book: Workbook) -> None:
        sheet.insert_rows(1, 2)
        sheet["A1"] = "Список людей"
        sheet.merge_cells("A1:D1")
        book.create_sheet("Черновик").append(["что-то"])
        book.create_sheet("Пустой")

    reading = read(save(person("Первый", "Директор"), change=titled))
    assert marks(reading) == ["list.xlsx[Черновик]:0 sheet_ignored"]
    assert reading.roster is not None
    assert reading.roster.people[0].where == "list.xlsx:4"


def test_formulas_give_their_saved_value(save: Save) -> None:
    path = save(person("Первый", "Директор", code="=40+2"))
    out = repacked(path, lambda name, data: data.replace(b"<f>40+2</f><v />", b"<f>40+2</f><v>42</v>"))
    assert accepted(out).people[0].external_id == "42"


def test_a_sheet_with_a_far_cell_is_read_at_once(save: Save) -> None:
    def far(sheet: Any, book: Workbook) -> None:
        sheet["XFD1048576"].number_format = "@"
        book.create_sheet("Далеко")["XFD1048576"] = "x"

    assert codes(read(save(person("Первый", "Директор"), change=far))) == ["sheet_ignored"]


def repacked(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    out = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out


def test_traps_are_not_given_to_the_parser(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_xlsx, "load_workbook", lambda *a, **k: pytest.fail("parsed"))
    path = save(person("Первый", "Директор"))
    bomb = repacked(path, lambda name, data: data + b" " * (17 * 2**20) if name.endswith("sheet1.xml") else data)
    assert codes(read(bomb)) == ["too_big"]
    entity = repacked(path, lambda name, data: data.replace(b"<worksheet", b"<!DOCTYPE x []><worksheet", 1))
    assert codes(read(entity)) == ["not_xlsx"]
    merge = b'<mergeCells><mergeCell ref="A2:XFD1048576"/></mergeCells></worksheet>'
    merged = repacked(path, lambda name, data: data.replace(b"</worksheet>", merge))
    assert codes(read(merged)) == ["too_big"]


def test_other_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    assert codes(read(path)) == ["no_such_path"]
    path.write_bytes(b"\xd0\xcf\x11\xe0 an old workbook")
    assert codes(read(path)) == ["not_xlsx"]
    book = Workbook()
    book.active.append(["a", "b"])
    book.save(path)
    assert codes(read(path)) == ["no_people_header"]
    book.active.append(["Фамилия", "Имя"])
    book.save(path)
    assert marks(read(path)) == ["list.xlsx:2 column_missing"]
    assert codes(read(path, source="a:b")) == ["bad_source"]


def test_too_many_rows(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_xlsx, "_MAX_ROWS", 2)
    assert codes(read(save(*(person(f"П-{n}", "Директор") for n in range(3))))) == ["too_big"]
