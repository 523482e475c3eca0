"""Every answer of a service that a test asks is held against the model that its route names in OpenAPI."""

from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError
from starlette.routing import Match

from services.kit.http import guarded_routes


class Truthful(httpx.ASGITransport):
    """The app without a network between. An answer that is not as its route says fails the test that asked for it.

    Routes without a model pass: that every route of a service has one is tests/architecture's to see.
    """

    def __init__(self, app: FastAPI, client: tuple[str, int] = ("127.0.0.1", 123)) -> None:
        super().__init__(app, raise_app_exceptions=False, client=client)
        self._routes = guarded_routes(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        body = await response.aread()
        if response.is_success and "json" in response.headers.get("content-type", ""):
            model = self._model(request)
            if model is not None:
                try:
                    _adapter(model).validate_json(body)
                except ValidationError as untrue:
                    raise AssertionError(f"{request.method} {request.url.path}: {untrue}\n{body[:2000]!r}") from untrue
        return response

    def _model(self, request: httpx.Request) -> Any:
        scope = {"type": "http", "method": request.method, "path": request.url.path, "headers": []}
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                return route.response_model
        return None


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)
