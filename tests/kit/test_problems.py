"""The texts of problems: two languages, a reason, a next step; never a stack."""

import pytest

from services.kit.problems import Malformed, Problem, Text, TooLarge, catalogue
from tests.common.kit import TooMuch


def test_a_document_says_what_why_and_what_next_in_either_language() -> None:
    problem = TooMuch(total=9)
    assert problem.document("ru") == {
        "type": "/problems/test-too-much",
        "code": "test-too-much",
        "status": 409,
        "title": "Слишком много",
        "detail": "Счётчик стоит на 9.",
        "next": "Прибавьте меньше.",
    }
    assert problem.document("en")["detail"] == "The counter stands at 9."
    assert problem.document("de")["title"] == "Слишком много"


def test_a_clause_and_further_members_stand_in_the_document() -> None:
    class Ruled(Problem):
        code, status, clause = "test-ruled", 409, "R 4.4.1"
        title = detail = next = Text("да", "yes")

    document = Ruled(extra={"current": {"value": "5"}}).document("ru")
    assert document["clause"] == "R 4.4.1"
    assert document["current"] == {"value": "5"}
    assert "clause" not in TooMuch(total=1).document("ru")


def test_what_a_client_sent_is_quoted_and_not_filled_in() -> None:
    for sent in ("{0}", "{total}", "{what.__class__}", "}{"):
        assert sent in Malformed(what=sent).document("ru")["detail"]


def test_a_problem_that_lacks_a_parameter_is_a_bug() -> None:
    with pytest.raises(KeyError):
        TooLarge().document("ru")


def test_the_problem_as_an_exception_speaks_english() -> None:
    assert str(TooMuch(total=9)) == "test-too-much: The counter stands at 9."


def test_the_catalogue_finds_subclasses_of_subclasses_and_passes_over_bases() -> None:
    class Base(Problem):
        """Without a code of its own."""

    class Leaf(Base):
        code, status = "test-leaf", 409
        title = detail = next = Text("да", "yes")

    found = list(catalogue())
    assert Leaf in found
    assert TooMuch in found
    assert Base not in found
