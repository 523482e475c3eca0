"""Logs: one JSON object per line (coloured text on a terminal), with the trace id of the request being served.

No personal data and no bodies: fields that could hold them are cut out by name, and of an exception only type and
place are logged when its own message quotes data (database errors quote rows, validation errors quote input).
Messages of libraries that use the standard `logging` go the same way.
"""

import logging
import sys
import traceback
from typing import TextIO
from uuid import uuid4

import psycopg
import pydantic
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

PERSONAL = frozenset({
    "body", "password", "passwords", "activation_code", "token", "cookie", "authorization", "secret", "dsn",
    "name", "names", "surname", "given_name", "family_name", "patronymic", "email", "phone", "birth_date", "login",
    "text", "comment", "remark", "reason",
})  # fmt: skip
"""Names of fields whose values never reach a log."""

CUT = "[cut]"
_QUOTES_DATA = (psycopg.Error, pydantic.ValidationError)


def configure(level: str = "info", *, stream: TextIO | None = None, pretty: bool | None = None) -> None:
    """Set up structlog and the standard library's logging for this process.

    level: debug, info, warning or error. stream: default standard error. pretty: text instead of JSON, default
    whether the stream is a terminal.
    """
    out = sys.stderr if stream is None else stream
    human = out.isatty() if pretty is None else pretty
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        cut_personal,
        describe_exception,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if human
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The access log would repeat what the routes log themselves, without the trace id.
    logging.getLogger("uvicorn.access").disabled = True
    # Its messages quote addresses of requests, and a line per request of our own client tells nothing.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # It says what the bus says too, many times a second while no broker answers.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def begin_trace(trace: str | None = None) -> str:
    """Put a trace id (`trace` or a fresh one) on every message of the present task; returns it."""
    trace = trace or uuid4().hex
    structlog.contextvars.bind_contextvars(trace=trace)
    return trace


def cut_personal(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace the values of personal fields, at any depth of mappings."""
    return {key: _cut(key, value) for key, value in event.items()}


def describe_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Turn `exc_info` into text under `exception`: every exception of the chain, its place, its message if safe."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_describe(error))
    return event


def _cut(key: str, value: object) -> object:
    if key.lower() in PERSONAL:
        return CUT
    if isinstance(value, dict):
        return {inner: _cut(str(inner), found) for inner, found in value.items()}
    return value


def _describe(error: BaseException) -> list[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [*_describe(cause), "then"] if cause is not None else []
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}{_message(error)}")
    lines += [f"  at {f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            lines += ["with", *_describe(inner)]
    return lines


def _message(error: BaseException) -> str:
    if isinstance(error, psycopg.Error):
        named = (error.sqlstate, error.diag.table_name, error.diag.constraint_name)
        return "".join(f" {part}" for part in named if part)
    if isinstance(error, _QUOTES_DATA):
        return ""
    return f": {error}"
