"""An event of a log as a record of Kafka: CloudEvents 1.0 in binary mode, the stream as key, the body as value.

The id of the log is the end of `source`. The W3C header `traceparent` carries the trace of the command, if there is
one, so that readers who know nothing of our metadata can follow it.
"""

from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError

from contracts.envelope import CloudEvent, Meta
from services.kit.bus.bus import Message
from services.kit.log.eventlog import Recorded

log = structlog.get_logger()


def record_of(topic: str, message: Message) -> dict[str, Any]:
    """The key, value and headers of a message."""
    event = message.event
    attributes = CloudEvent(
        id=event.id,
        source=f"/{topic}/{message.log}",
        type=event.type,
        subject=event.stream,
        time=event.at.isoformat(),
        position=event.position,
        revision=event.revision,
        predecessor=message.predecessor,
        meta=event.meta,
    )
    headers = attributes.headers()
    if '"trace"' in event.meta and (trace := Meta.of(event.meta).trace):
        headers.append(("traceparent", trace.encode()))
    headers.append(("content-type", b"application/json"))
    return {"key": event.stream.encode(), "value": event.body.encode(), "headers": headers}


def message_of(record: Any) -> Message | None:
    """The message of a record; None for one that is none of ours, which the reader notices as a hole."""
    try:
        told = CloudEvent.of(record.headers)
        return Message(
            told.predecessor,
            Recorded(
                told.position,
                told.id,
                told.subject,
                told.revision,
                told.type,
                datetime.fromisoformat(told.time),
                record.value.decode(),
                told.meta,
            ),
            told.source.rpartition("/")[2],
        )
    except (ValidationError, ValueError, AttributeError) as foreign:
        log.warning("foreign record", topic=record.topic, offset=record.offset, error=type(foreign).__name__)
        return None
