"""Every finding can be written out: its words are given where it is noted, and no sentence is without use."""

import ast
import string
from pathlib import Path

import pytest

import services.importing
from services.importing.findings import ERRORS, FATAL, WARNINGS, Findings

TEXTS = {**FATAL, **ERRORS, **WARNINGS}
SOURCES = [
    *Path(services.importing.__file__).parent.glob("*.py"),
]
# BadCell carries a code to a place that gives these words.
CELL_WORDS = {"column", "value"}


def words_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_codes_are_in_one_table_only() -> None:
    assert len(TEXTS) == len(FATAL) + len(ERRORS) + len(WARNINGS)


@pytest.mark.parametrize("code", TEXTS)
def test_both_languages_say_the_same(code: str) -> None:
    ru, en = TEXTS[code]
    assert words_of(ru) == words_of(en)
    assert any("а" <= c <= "я" for c in ru)
    assert not any("а" <= c <= "я" for c in en.replace("Фамилия, Имя, Роль", ""))


def test_every_place_gives_the_words_of_its_sentence_and_every_sentence_is_used() -> None:
    used: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            literals = {c.value for a in node.args for c in ast.walk(a) if isinstance(c, ast.Constant)}
            given = {k.arg for k in node.keywords} | (
                CELL_WORDS if isinstance(node.func, ast.Name) and node.func.id == "BadCell" else set()
            )
            for code in literals & set(TEXTS):
                assert isinstance(code, str)
                used.add(code)
                assert words_of(TEXTS[code][0]) <= given, f"{path.name}:{node.lineno} {code}"
    # chosen by a variable in the people list
    used |= {"child_ambiguous", "child_unknown"}
    assert set(TEXTS) - used == set()


def test_a_finding_reads_as_file_line_sentence() -> None:
    findings = Findings()
    findings.add("missing_value", "users.csv", 5, column="role")
    findings.add("no_manifest")
    row, whole = findings.all
    assert (row.where, row.text_ru) == ("users.csv:5", "не заполнено обязательное поле role")
    assert row.text_en == "required field role is empty"
    assert (whole.where, whole.text_en[:24]) == ("", "there is no manifest.csv")


def test_values_are_shown_short_printable_and_never_read_as_a_pattern() -> None:
    findings = Findings()
    findings.add("duplicate_id", "users.csv", 2, value="{x}\x1b[31m\n" + "y" * 500, where=1)
    text = findings.all[0].text_en
    assert "{x}" in text
    assert text.isprintable()
    assert len(text) < 300
