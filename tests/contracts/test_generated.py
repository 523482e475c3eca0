"""What is generated from the event classes is up to date, and what is released never changes."""

import shutil
from pathlib import Path

import orjson
import pytest

from contracts import generate
from contracts.generate import FOLDER, RELEASED, Frozen, digest, released

ALL = [pytest.param(log, name, id=f"{log}/{name}") for log, name, _ in generate.types()]


def test_the_committed_files_are_current() -> None:
    assert generate.stale() == [], "run: python -m contracts.generate"


@pytest.mark.parametrize(("log", "name"), ALL)
def test_the_sample_comes_back_byte_for_byte(log: str, name: str) -> None:
    assert generate.gives_back(log, name, orjson.loads((FOLDER / f"samples/{log}/{name}.json").read_bytes()))


@pytest.mark.parametrize(("log", "name"), ALL)
def test_the_sample_shows_every_field(log: str, name: str) -> None:
    body = orjson.loads((FOLDER / f"samples/{log}/{name}.json").read_bytes())["body"]
    schema = orjson.loads((FOLDER / f"schemas/{log}/{name}.json").read_bytes())
    assert body.keys() == schema["properties"].keys()
    assert set(schema["required"]) <= body.keys()


def test_the_asyncapi_document_names_every_log_and_type() -> None:
    document = orjson.loads((FOLDER / generate.ASYNCAPI).read_bytes())
    assert {(log, m) for log, c in document["channels"].items() for m in c["messages"]} == {
        (log, name) for log, name, _ in generate.types()
    }
    for message in document["components"]["messages"].values():
        assert (FOLDER / "asyncapi" / message["payload"]["schema"]["$ref"]).resolve().is_file()
    for channel in document["channels"].values():
        for pointer in channel["messages"].values():
            assert pointer["$ref"].removeprefix("#/components/messages/") in document["components"]["messages"]


def test_what_is_released_is_there_unchanged() -> None:
    for path, known in released().items():
        assert digest((FOLDER / path).read_bytes()) == known, path


# -- the generator itself, on a copy ------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for part in ("schemas", "samples", "asyncapi"):
        shutil.copytree(FOLDER / part, tmp_path / part)
    generate.write(tmp_path)
    return tmp_path


SAMPLE = "samples/gradebook/GradeRecorded.v1.json"
SCHEMA = "schemas/gradebook/GradeRecorded.v1.json"


def test_a_lost_changed_or_left_over_file_is_found_and_mended(copy: Path) -> None:
    (copy / SAMPLE).unlink()
    (copy / SCHEMA).write_text("{}")
    (copy / "schemas/gradebook/GradeEaten.v1.json").write_text("{}")
    wrong = sorted([SAMPLE, SCHEMA, "schemas/gradebook/GradeEaten.v1.json"])
    assert generate.stale(copy) == wrong
    assert generate.write(copy) == wrong
    assert generate.stale(copy) == []
    assert not (copy / "schemas/gradebook/GradeEaten.v1.json").exists()


def test_a_sample_that_still_fits_is_not_written_again(copy: Path) -> None:
    document = orjson.loads((copy / SAMPLE).read_bytes())
    document["body"]["late_by_days"] = 9
    (copy / SAMPLE).write_bytes(generate.pretty(document))
    assert generate.stale(copy) == []


def test_releasing_freezes_once(copy: Path) -> None:
    before = (copy / RELEASED).read_text()
    fresh = generate.release(copy)
    assert set(fresh) >= {SAMPLE, SCHEMA} - released().keys()
    assert (copy / RELEASED).read_text().startswith(before)
    assert generate.release(copy) == []
    assert generate.write(copy) == []


def test_a_released_sample_stays_whatever_happens_to_it(copy: Path) -> None:
    generate.release(copy)
    (copy / SAMPLE).write_text('{"body":{},"meta":{}}')
    with pytest.raises(Frozen, match=r"GradeRecorded\.v1"):
        generate.write(copy)


def test_a_released_type_cannot_change_or_vanish(copy: Path) -> None:
    generate.release(copy)
    listing = (copy / RELEASED).read_text()
    (copy / RELEASED).write_text(listing.replace(digest((copy / SCHEMA).read_bytes()), "0" * 64))
    with pytest.raises(Frozen, match=r"schemas/gradebook/GradeRecorded\.v1"):
        generate.write(copy)
    (copy / RELEASED).write_text(listing + f"{'0' * 64}  schemas/gradebook/Gone.v1.json\n")
    with pytest.raises(Frozen, match=r"Gone\.v1"):
        generate.write(copy)
