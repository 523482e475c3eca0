"""The OpenAPI document of a service says who may call what, and how failures look."""

from typing import Any

import orjson
import pytest
from fastapi import FastAPI, Response
from pydantic import BaseModel

from services.kit.http import Change, Policy, Router, json
from services.kit.openapi import openapi
from tests.common.kit import Desk, browser

pytestmark = pytest.mark.anyio


class Body(BaseModel):
    """A body."""

    value: int


def routes() -> Router:
    router = Router()

    @router.get("/things/{thing}", policy=Policy("readers", "teacher", "auditor"))
    async def thing(thing: str) -> Response:
        return json({})

    @router.put("/things/{thing}", policy=Policy("anyone", signed_in=True))
    async def put(thing: str, change: Change, body: Body) -> Response:
        return json({})

    @router.post("/sign-in", policy=Policy("open", public=True))
    async def sign_in(body: Body) -> Response:
        return json({})

    @router.get("/log", policy=Policy("services", service=True), include_in_schema=False)
    async def log() -> Response:
        return json({})

    return router


@pytest.fixture
def app() -> FastAPI:
    return Desk().app(routes())


def operation(app: FastAPI, path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(openapi(app))["paths"][path][method]
    return found


def test_every_route_says_who_may_call_it(app: FastAPI) -> None:
    read = operation(app, "/things/{thing}", "get")
    assert read["x-policy"] == {"name": "readers", "allows": ["auditor", "teacher"]}
    assert read["security"] == [{"bearer": []}]
    assert operation(app, "/things/{thing}", "put")["x-policy"]["allows"] == ["signed-in"]
    opened = operation(app, "/sign-in", "post")
    assert opened["x-policy"]["allows"] == ["everybody"]
    assert opened["security"] == []


def test_a_change_names_its_headers_and_nothing_else_does(app: FastAPI) -> None:
    change = operation(app, "/things/{thing}", "put")
    headers = {p["name"]: p["required"] for p in change["parameters"] if p["in"] == "header"}
    assert headers == {"Idempotency-Key": True, "If-Match": False, "If-None-Match": False}
    assert "parameters" not in operation(app, "/sign-in", "post")


def test_every_failure_is_a_problem(app: FastAPI) -> None:
    text = openapi(app).decode()
    assert "HTTPValidationError" not in text
    for path, method in (("/things/{thing}", "get"), ("/sign-in", "post")):
        assert list(operation(app, path, method)["responses"]["default"]["content"]) == ["application/problem+json"]


async def test_what_is_served_is_what_is_committed(app: FastAPI) -> None:
    assert openapi(app) == openapi(Desk().app(routes())) == openapi(app)
    async with browser(app) as client:
        answer = await client.get("/openapi.json")
    assert answer.json() == orjson.loads(openapi(app))
