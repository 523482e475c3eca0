"""Migrations only add: the release before goes on working on the tables while its processes are replaced.

Squawk, a linter of PostgreSQL's DDL, judges each text; what it does not look at is found by words. A rule may be broken
only by a file that is named here with the reason and that says which version programs must know (`kit/postgres.py`).
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.kit.postgres import needs_of
from tests.common.sources import ROOT

MIGRATIONS = sorted((ROOT / "services").glob("*/migrations/*.sql"))
TEXTS = [*MIGRATIONS, ROOT / "services/kit/log/postgres.sql"]
"""The log's own text is run again, as a whole, when it differs from what was installed."""

NOT_ASKED = {
    "require-lock-timeout": "`migrate` sets it for every text",
    "require-statement-timeout": "what would take long under a lock is refused by other rules",
    "prefer-bigint-over-int": "a matter of taste about what is counted, not of who reads it",
}
BY_WORDS = {
    "takes rows away": r"(^|;)\s*truncate\b|\bdelete\s+from\b",
    "takes rights away": r"\b(revoke|reassign\s+owned|drop\s+owned|owner\s+to)\b",
    "takes what guards rows away": r"\bdrop\s+(trigger|rule|policy)\b|\bdisable\s+(trigger|rule)\b",
    "stops others": r"\b(lock\s+table|cluster|vacuum)\b|\block\s+[a-z_.]+\s+in\b",
    "hides statements": r"\bdo\s+(language\s+\w+\s+)?\$|\bexecute\s+(format|')",
    "rewrites rows": r"^\s*update\b",
}

ALLOWED: dict[str, dict[str, str]] = {}
"""{file: {rule: why the release before works on all the same}}"""


def findings(sql: str) -> set[str]:
    """The rules that a text breaks. A file is run in one transaction, so what it makes itself is not yet in use."""
    squawk = str(Path(sys.executable).with_name("squawk"))
    excluded = [f"--exclude={rule}" for rule in NOT_ASKED]
    said = subprocess.run(
        [
            squawk,
            "--pg-version=18.0",
            "--assume-in-transaction",
            "--reporter=json",
            "--stdin-filepath=x.sql",
            *excluded,
        ],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout, said.stderr
    plain = re.sub(r"--.*", "", sql)
    found = {rule for rule, words in BY_WORDS.items() if re.search(words, plain, re.IGNORECASE | re.MULTILINE)}
    return found | {finding["rule_name"] for finding in json.loads(said.stdout)}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_a_migration_only_adds(path: Path) -> None:
    """A view's tables are no matter of migrations: they are built anew beside the live ones (docs/operations.md)."""
    assert findings(path.read_text(encoding="utf-8")) == set(ALLOWED.get(str(path.relative_to(ROOT)), {}))


def test_every_exception_is_of_a_file_and_has_a_reason() -> None:
    assert set(ALLOWED) <= {str(path.relative_to(ROOT)) for path in MIGRATIONS}
    assert all(len(reason) > 20 for rules in ALLOWED.values() for reason in rules.values())


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_who_takes_something_away_says_which_programs_that_spares(path: Path) -> None:
    needed, own = needs_of(path.read_text(encoding="utf-8")), int(path.name[:4])
    assert needed < own, "the release before must know what is needed"
    assert bool(needed) == bool(ALLOWED.get(str(path.relative_to(ROOT))))


@pytest.mark.parametrize(
    "statement",
    [
        "alter table person drop column email",
        "alter table person rename column email to mail",
        "alter table person rename to human",
        "alter view relation rename to relations",
        "alter table person set schema other",
        "alter table person alter column version type bigint",
        "alter table person alter column birth_date set not null",
        "alter table person add column title text not null",
        "alter table person add column seen timestamptz default clock_timestamp()",
        "alter table person add constraint named check (given_name <> '')",
        "alter table person add unique (email)",
        "alter table enrolment add foreign key (student) references person",
        "create index on person (email)",
        "drop table person",
        "drop view relation",
        "drop index person_source_idx",
        "drop function log_append",
        "truncate person",
        "delete from person",
        "update person set email = ''",
        "revoke select on person from zhurnal_identity",
        "alter table person disable trigger all",
        "lock table person",
        "do $$ begin perform 1; end $$",
    ],
)
def test_what_would_stop_the_release_before_is_found(statement: str) -> None:
    assert findings(statement + ";") != set()


@pytest.mark.parametrize(
    "statement",
    [
        "create table note (id text primary key, of text not null); create index on note (of)",
        "alter table person add column nickname text",
        "alter table person add column visits int not null default 0",
        "insert into demo_college values (true, '{}')",
        "create function twice(n int) returns int language sql return n * 2",
    ],
)
def test_what_only_adds_is_let_through(statement: str) -> None:
    assert findings(statement + ";") == set()
