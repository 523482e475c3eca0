"""`zhurnal administrator`: a code for the first administrator beside a running journal, and what it refuses."""

from pathlib import Path

import pytest

from tests.common.process import Journal, Said, data_folder, key, zhurnal, zhurnal_here

pytestmark = pytest.mark.anyio

PASSWORD = "a long enough sentence"


def code_of(said: str) -> str:
    return next(line.rsplit(" ", 1)[1] for line in said.splitlines() if "Activation code" in line)


async def activated(journal: Journal, code: str) -> int:
    body = {"code": code, "login": "first", "password": PASSWORD}
    async with journal.client() as client:
        return (await client.post("/identity/activation", json=body, headers=key())).status_code


async def test_a_code_that_nobody_saw_is_given_anew_until_an_administrator_has_an_account() -> None:
    with data_folder() as data, Journal(data, "--demo", "none") as journal:
        given = zhurnal("administrator", data=data)
        assert given.returncode == 0, given.stderr
        assert await activated(journal, code_of(journal.said())) == 403, "the former code is void"
        assert await activated(journal, code_of(given.stdout)) == 201
        await (await journal.signed_in("first", PASSWORD)).aclose()
        for language, sentence in (("en_XX.UTF-8", "has an account already"), ("ru_RU.UTF-8", "уже есть учётная")):
            refused = zhurnal("administrator", data=data, environment={"LANG": language})
            assert (refused.returncode, refused.stdout) == (1, "")
            assert sentence in refused.stderr


def refused(said: Said) -> str:
    """The sentence, which comes after what the log says."""
    assert (said.returncode, said.stdout) == (2, ""), said
    return said.stderr.strip().splitlines()[-1]


def test_what_is_missing_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "zhurnal up" in refused(zhurnal_here("administrator", data=tmp_path / "none"))
    monkeypatch.setenv("ZHURNAL_GRADEBOOK_DSN", "postgresql://nobody@127.0.0.1:1/nothing")
    assert "ZHURNAL_IDENTITY_DSN is not set" in refused(zhurnal_here("administrator"))
    monkeypatch.setenv("ZHURNAL_IDENTITY_DSN", "postgresql://nobody@127.0.0.1:1/nothing")
    assert "database of identity cannot be reached" in refused(zhurnal_here("administrator"))
