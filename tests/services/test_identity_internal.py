"""What identity does for other services: a token for a secret, and the staff reads that happened elsewhere."""

from collections.abc import AsyncIterator

import jwt
import pytest

from services.kit.authn import AUDIENCE, TOKEN_LIFETIME
from tests.common.identity import House, house
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

SECRET = "a secret of thirty-two characters"


@pytest.fixture
async def home(database: NewDatabase) -> AsyncIterator[House]:
    async with house(await database("identity")) as opened:
        opened.svc.callers = {"gradebook": SECRET}
        yield opened


async def test_a_service_gets_a_token_that_says_who_it_is(home: House) -> None:
    answer = await home.anonymous.post("/tokens", {"service": "gradebook", "secret": SECRET})
    assert answer.status_code == 201
    told = answer.json()
    claims = jwt.decode(
        told["token"],
        home.svc.issuer.public_key,
        algorithms=["EdDSA"],
        audience=AUDIENCE,
        options={"verify_exp": False},
    )
    assert claims["sub"] == "service:gradebook"
    assert claims["exp"] - claims["iat"] == told["expires_in"] == TOKEN_LIFETIME.total_seconds()


@pytest.mark.parametrize(
    ("service", "secret"),
    [("gradebook", "another"), ("gradebook", ""), ("schedule", SECRET), ("schedule", ""), ("identity", "")],
)
async def test_who_does_not_know_the_secret_gets_none(home: House, service: str, secret: str) -> None:
    answer = await home.anonymous.post("/tokens", {"service": service, "secret": secret})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_reads_of_other_services_are_shown_to_whom_they_concern(home: House) -> None:
    teacher, student = await home.person("Учитель", "teacher"), await home.person("Ученик")
    reads = {"reads": [[teacher, student, "gradebook: page", "2025-09-01T03:00:00+00:00"]]}
    assert (await home.as_(teacher).post("/reads", reads)).status_code == 403
    assert (await home.anonymous.post("/reads", reads)).status_code == 401
    assert (await home.as_("service:gradebook").post("/reads", reads)).json() == {"taken": 1}
    seen = (await home.as_(student).get("/reads/me")).json()
    assert [(r["route"], r["at"]) for r in seen["items"]] == [("gradebook: page", "2025-09-01T03:00:00+00:00")]


async def test_what_is_no_read_is_refused_whole(home: House) -> None:
    for row in (["r", "s", "route"], ["r", "s", "route", "yesterday"], ["r", "s", "route", "2025-09-01T03:00:00"]):
        good = ["r", "s", "route", "2025-09-01T03:00:00+00:00"]
        answer = await home.as_("service:gradebook").post("/reads", {"reads": [good, row]})
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
