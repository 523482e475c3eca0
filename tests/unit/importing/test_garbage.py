"""Whatever the files hold, the readers answer with findings, and never raise."""

import tempfile
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from services.importing import oneroster, people_xlsx
from services.importing.columns import FILES
from services.importing.roster import KINDS, Roster
from tests.unit.importing.helpers import GOOD

NAMES = [*(f"{name}.csv" for name in FILES), "manifest.csv", "userProfiles.csv", "Schools.csv", "other.csv"]
WORDS = """
O1 K1 P1 T1 Y S1 C1 student teacher guardian active tobedeleted true 0 2026 2025-09-01 1/05/2026 31/12/2025 8/27/2018
S1,S2 {x} " bulk delta absent schoolYear term school district
"""
CELLS = st.one_of(st.sampled_from(["", "\0", *WORDS.split()]), st.text(max_size=12))


def check(path: Path) -> None:
    """The answer is well formed: a document refers within itself, or to what it says is outside."""
    reading = oneroster.read(path, "test")
    for finding in reading.findings:
        assert finding.text_ru
        assert finding.text_en
    roster = reading.roster
    if roster is None:
        assert reading.errors
        return
    assert Roster.model_validate_json(roster.model_dump_json()) == roster
    outside = {r.id for r in roster.outside}
    people = {p.id for p in roster.people} | outside
    groups = {g.id for g in roster.groups} | outside
    periods = {p.id for p in roster.periods} | outside
    disciplines = {d.id for d in roster.disciplines} | outside
    assert all(e.person_id in people and e.group_id in groups for e in roster.enrolments)
    assert all(t.person_id in people and t.group_id in groups for t in roster.teaching)
    assert all(r.person_id in people for r in roster.roles)
    assert all(g.guardian_id in people and g.student_id in people for g in roster.guardians)
    assert all(set(g.period_ids) <= periods and g.discipline_id in disciplines for g in roster.groups)
    assert all(p.parent_id is None or p.parent_id in periods for p in roster.periods)
    assert {p.year_id for p in roster.periods} <= {y.id for y in roster.years}
    for kind in KINDS:
        ids = [r.id for r in roster.records(kind)]
        assert len(ids) == len(set(ids))


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from(NAMES), st.one_of(st.binary(max_size=200), st.text(max_size=200)), max_size=6))
def test_any_bytes_in_any_file(files: dict[str, bytes | str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
            (Path(folder) / name).write_bytes(data)
        check(Path(folder))


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from(list(GOOD)), st.lists(st.lists(CELLS, min_size=1, max_size=9), min_size=1, max_size=5)
    ),
    st.sets(st.sampled_from(list(GOOD)), max_size=2),
    st.booleans(),
)
def test_any_rows_added_to_a_good_set(rows: dict[str, list[list[str]]], without: set[str], delta: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in GOOD.items():
            added = "".join(",".join(cells) + "\n" for cells in rows.get(name, []))
            content = text.replace("bulk", "delta") if delta and name == "manifest.csv" else text
            if name not in without:
                (Path(folder) / name).write_bytes((content + added).encode("utf-8", "surrogatepass"))
        check(Path(folder))


@settings(max_examples=30)
@given(st.data())
def test_any_cell_of_a_good_set_replaced(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in GOOD.items():
            table = [line.split(",") for line in text.splitlines()]
            for _ in range(data.draw(st.integers(0, 2))):
                line = data.draw(st.integers(1, len(table) - 1))
                table[line][data.draw(st.integers(0, len(table[line]) - 1))] = data.draw(CELLS)
            content = "\n".join(",".join(cells) for cells in table)
            (Path(folder) / name).write_bytes(content.encode("utf-8", "surrogatepass"))
        check(Path(folder))


@settings(max_examples=25)
@given(st.binary(max_size=300), st.integers(0, 1200), st.integers(0, 40))
def test_any_damage_to_an_archive_or_a_workbook(noise: bytes, at: int, cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
            for name, text in GOOD.items():
                z.writestr(name, text)
        for original, reader in ((path.read_bytes(), oneroster.read), (people_xlsx.template(), people_xlsx.read)):
            data = bytearray(original)
            data[at : at + len(noise)] = noise
            path.write_bytes(data[: len(data) - cut])
            reading = reader(path)
            assert reading.roster is not None or reading.errors
            path.write_bytes(noise)
            assert reader(path).errors
