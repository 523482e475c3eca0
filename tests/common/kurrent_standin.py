"""A STAND-IN for KurrentDB: no server can be had where the tests run, so this one drives the adapter in its place.

It speaks the client's own protocol buffers over real gRPC on loopback and does what the documentation of KurrentDB says
of five things: append at an exact revision (idempotent by event id), read a stream, read `$all` and subscribe to it
with filters, positions with gaps. It is written from that documentation, not from the server, so what it proves is that
the adapter keeps its promises *if the server keeps its own*. Only a run with ZHURNAL_KURRENT_URI shows the latter.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from uuid import uuid4

import grpc.aio
from google.protobuf import any_pb2, empty_pb2
from kurrentdbclient.protos.v1 import shared_pb2, streams_pb2, streams_pb2_grpc

MAX_APPEND = 1_048_576
"""The server's default for all events of one append together."""

NOISE_EVERY = 3
"""After so many appends an event of somebody else is recorded between ours."""


@dataclass
class Event:
    """A recorded event. position: its place in `$all`, the byte at which it would begin."""

    id: str
    stream: str
    revision: int
    position: int
    created: int
    metadata: dict[str, str]
    custom: bytes
    data: bytes

    def message(self) -> streams_pb2.ReadResp:
        recorded = streams_pb2.ReadResp.ReadEvent.RecordedEvent(
            id=shared_pb2.UUID(string=self.id),
            stream_identifier=_identifier(self.stream),
            stream_revision=self.revision,
            commit_position=self.position,
            prepare_position=self.position,
            metadata={**self.metadata, "created": str(self.created)},
            custom_metadata=self.custom,
            data=self.data,
        )
        return streams_pb2.ReadResp(event=streams_pb2.ReadResp.ReadEvent(event=recorded, commit_position=self.position))


@dataclass
class Store:
    """What is on disk: it outlives the server."""

    all: list[Event] = field(default_factory=list)
    streams: dict[str, list[Event]] = field(default_factory=dict)
    end: int = 1733
    appends: int = 0

    def add(self, stream: str, id_: str, metadata: dict[str, str], custom: bytes, data: bytes) -> Event:
        events = self.streams.setdefault(stream, [])
        # the created time is in ticks of 100 ns
        event = Event(id_, stream, len(events), self.end, time.time_ns() // 100, metadata, custom, data)
        self.end += 101 + len(custom) + len(data) + len(stream)
        events.append(event)
        self.all.append(event)
        return event


class StandIn(streams_pb2_grpc.StreamsServicer):
    """One server over a `Store`. `uri` is its address while it runs.

    cut: how many of the coming appends are carried out and then lose their connection before the answer.
    """

    def __init__(self, store: Store | None = None, port: int = 0) -> None:
        self.store, self.port, self.cut = store or Store(), port, 0
        self._grown = asyncio.Event()
        self._server = grpc.aio.server(
            options=(("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 17 << 20))
        )

    @property
    def uri(self) -> str:
        return f"kurrentdb://127.0.0.1:{self.port}?tls=false"

    async def __aenter__(self) -> "StandIn":
        streams_pb2_grpc.add_StreamsServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop(None)

    # -- append -------------------------------------------------------------------------------------------------

    async def BatchAppend(  # noqa: N802 - the protocol's name
        self, requests: AsyncIterator[streams_pb2.BatchAppendReq], context: Any
    ) -> AsyncIterator[streams_pb2.BatchAppendResp]:
        async for request in requests:
            assert request.is_final, "the client sends an append in one message"
            answer = self._append(request)
            if self.cut:
                self.cut -= 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the stand-in cuts the connection")
            yield answer

    def _append(self, request: streams_pb2.BatchAppendReq) -> streams_pb2.BatchAppendResp:
        options = request.options
        stream = options.stream_identifier.stream_name.decode()
        asked = options.WhichOneof("expected_stream_position")
        assert asked in ("no_stream", "stream_position"), "the adapter always names a revision"
        expected = -1 if asked == "no_stream" else options.stream_position
        events = self.store.streams.get(stream, [])
        proposed = request.proposed_messages
        size = sum(len(p.data) + len(p.custom_metadata) for p in proposed)
        answer = streams_pb2.BatchAppendResp(
            correlation_id=request.correlation_id, stream_identifier=options.stream_identifier
        )
        if size > MAX_APPEND:
            answer.error.details.CopyFrom(_packed(shared_pb2.MaximumAppendSizeExceeded(maxAppendSize=MAX_APPEND)))
            return answer
        there = events[expected + 1 : expected + 1 + len(proposed)]
        if expected != len(events) - 1 and [e.id for e in there] != [p.id.string for p in proposed]:
            wrong = shared_pb2.WrongExpectedVersion(expected_stream_position=max(expected, 0))
            if events:
                wrong.current_stream_revision = len(events) - 1
            else:
                wrong.current_no_stream.CopyFrom(empty_pb2.Empty())
            answer.error.details.CopyFrom(_packed(wrong))
            return answer
        if expected == len(events) - 1:
            there = [self.store.add(stream, p.id.string, dict(p.metadata), p.custom_metadata, p.data) for p in proposed]
            self.store.appends += 1
            if self.store.appends % NOISE_EVERY == 0:
                self.store.add(
                    "somebody-else", str(uuid4()), {"type": "Noise", "content-type": "application/json"}, b"", b"{}"
                )
            self._grown.set()
            self._grown = asyncio.Event()
        answer.success.current_revision = there[-1].revision
        answer.success.position.commit_position = there[-1].position
        answer.success.position.prepare_position = there[-1].position
        return answer

    # -- read and subscribe -------------------------------------------------------------------------------------

    async def Read(  # noqa: N802 - the protocol's name
        self, request: streams_pb2.ReadReq, context: Any
    ) -> AsyncIterator[streams_pb2.ReadResp]:
        options = request.options
        if options.WhichOneof("stream_option") == "stream":
            for answer in self._of_stream(options):
                yield answer
            return
        if (first := self._first(options)) is None:
            await context.abort(grpc.StatusCode.UNKNOWN, "Unexpected FilteredReadAllResult: InvalidPosition")
        wanted = _filter(options)
        if options.WhichOneof("count_option") == "subscription":
            async for answer in self._subscription(options, first or 0, wanted):
                yield answer
            return
        back = options.read_direction == streams_pb2.ReadReq.Options.Backwards
        left = options.count
        for event in self.store.all[:first][::-1] if back else self.store.all[first:]:
            if left and wanted(event):
                left -= 1
                yield event.message()

    def _of_stream(self, options: Any) -> list[streams_pb2.ReadResp]:
        stream = options.stream.stream_identifier.stream_name.decode()
        events = self.store.streams.get(stream)
        if events is None:
            missing = streams_pb2.ReadResp.StreamNotFound(stream_identifier=options.stream.stream_identifier)
            return [streams_pb2.ReadResp(stream_not_found=missing)]
        first = options.stream.revision if options.stream.WhichOneof("revision_option") == "revision" else 0
        return [event.message() for event in events[first : first + options.count]]

    def _first(self, options: Any) -> int | None:
        """The index of the first event at the position asked for, None where no event begins there."""
        match options.all.WhichOneof("all_option"):
            case "start":
                return 0
            case "end":
                return len(self.store.all)
        asked = options.all.position.commit_position
        if asked >= self.store.end:
            return len(self.store.all)
        return next((n for n, event in enumerate(self.store.all) if event.position == asked), None)

    async def _subscription(self, options: Any, first: int, wanted: Any) -> AsyncIterator[streams_pb2.ReadResp]:
        confirmed = streams_pb2.ReadResp.SubscriptionConfirmation(subscription_id="stand-in")
        yield streams_pb2.ReadResp(confirmation=confirmed)
        # a subscription begins behind the position that it names, unlike a read
        at = first + 1 if options.all.WhichOneof("all_option") == "position" else first
        while True:
            grown = self._grown
            while at < len(self.store.all):
                event = self.store.all[at]
                at += 1
                if wanted(event):
                    yield event.message()
            await grown.wait()


def _filter(options: Any) -> Any:
    if options.WhichOneof("filter_option") != "filter":
        return lambda event: True
    by_stream = options.filter.WhichOneof("filter") == "stream_identifier"
    asked = options.filter.stream_identifier if by_stream else options.filter.event_type
    prefixes, pattern = tuple(asked.prefix), re.compile(asked.regex or ".*")

    def wanted(event: Event) -> bool:
        text = event.stream if by_stream else event.metadata["type"]
        return text.startswith(prefixes) if prefixes else pattern.match(text) is not None

    return wanted


def _identifier(stream: str) -> shared_pb2.StreamIdentifier:
    return shared_pb2.StreamIdentifier(stream_name=stream.encode())


def _packed(message: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
