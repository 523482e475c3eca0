"""Settings of an installation, read from ZHURNAL_* environment variables and nowhere else.

A wrong, missing or misspelt variable refuses the start with one sentence that names it, in Russian and English; the
command line prints it and exits with status 2 (`CannotStart`). Every setting carries its description; a test fails
for one without.
"""

import os
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from services.kit.problems import Text

PREFIX = "ZHURNAL_"
WEB = Path(__file__).resolve().parents[2] / "web" / "dist"
SERVICES = ("identity", "schedule", "gradebook", "reporting", "notifications")


class CannotStart(Exception):
    """The installation cannot be used as it is. One sentence in two languages; the command line exits with 2."""

    def __init__(self, ru: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(ru, en)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise ValueError("an IANA time zone such as Asia/Barnaul is expected") from unknown
    return name


def _dsn(text: str) -> str:
    try:
        conninfo_to_dict(text)
    except ProgrammingError:
        # Not chained and not quoted: the text may hold a password.
        raise ValueError("a PostgreSQL connection string (postgresql://…) is expected") from None
    return text


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address such as http://identity:8080 is expected")
    return text.rstrip("/")


def _networks(text: str) -> str:
    for part in text.split(","):
        try:
            if part.strip():
                ip_network(part.strip())
        except ValueError as wrong:
            raise ValueError("addresses or networks such as 10.0.0.0/8, by commas, are expected") from wrong
    return text


Dsn = Annotated[str, AfterValidator(_dsn)]
Url = Annotated[str, AfterValidator(_url)]
Networks = Annotated[str, AfterValidator(_networks)]
Secret = Annotated[SecretStr, Field(min_length=32)]


class DatabaseAddress(NamedTuple):
    """How one service reaches its database: as its own role and, for migrations, as the owner of the tables."""

    dsn: str
    owner_dsn: str | None


class Settings(BaseModel):
    """All settings. With no database address given, `zhurnal up` keeps an embedded server in the data folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data: Path = Field(
        Path(".zhurnal"), description="Folder of everything that must survive a restart: keys, passwords, databases."
    )
    zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "Asia/Barnaul", description="IANA time zone of the college: school days and deadlines end at its midnight."
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="TCP port to listen on; 0 takes any free one.")
    secure: bool = Field(
        False, description="Whether clients reach the journal over TLS: Secure cookie, https origin, HSTS."
    )
    demo: Literal["class", "college", "none"] = Field(
        "class", description="Generated data loaded into an empty system: class (4 groups), college (40) or none."
    )
    demo_at: Literal["week", "finals", "closed"] = Field(
        "week", description="When the demo data take place: an ordinary week, finals being set, or the period closed."
    )
    web: Path = Field(
        WEB, description="Folder of the built web client, by default that of the source tree; none there: API only."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe messages that are logged."
    )
    identity_dsn: Dsn | None = Field(None, description="Database of identity, under the service's role.")
    identity_owner_dsn: Dsn | None = Field(None, description="The same database under its owner, for migrations.")
    schedule_dsn: Dsn | None = Field(None, description="Database of schedule, under the service's role.")
    schedule_owner_dsn: Dsn | None = Field(None, description="The same database under its owner, for migrations.")
    gradebook_dsn: Dsn | None = Field(None, description="Database of gradebook, under the service's role.")
    gradebook_owner_dsn: Dsn | None = Field(None, description="The same database under its owner, for migrations.")
    reporting_dsn: Dsn | None = Field(None, description="Database of reporting, under the service's role.")
    reporting_owner_dsn: Dsn | None = Field(None, description="The same database under its owner, for migrations.")
    notifications_dsn: Dsn | None = Field(None, description="Database of notifications, under the service's role.")
    notifications_owner_dsn: Dsn | None = Field(None, description="The same database under its owner, for migrations.")

    admin_dsn: Dsn | None = Field(
        None, description="A superuser of the server: `migrate` makes missing roles and databases of the given names."
    )
    token_key: Path | None = Field(
        None, description="File with the key that signs tokens (identity); by default one made in the data folder."
    )
    identity_url: Url | None = Field(None, description="Where the service identity answers to the other services.")
    schedule_url: Url | None = Field(None, description="Where the service schedule answers to the other services.")
    gradebook_url: Url | None = Field(None, description="Where the service gradebook answers to the other services.")
    reporting_url: Url | None = Field(
        None, description="Where the service reporting answers; `web` asks it for /status."
    )
    notifications_url: Url | None = Field(
        None, description="Where the service notifications answers; `web` asks it for /status."
    )
    schedule_secret: Secret | None = Field(None, description="What schedule proves itself by to identity.")
    gradebook_secret: Secret | None = Field(None, description="What gradebook proves itself by to identity.")
    reporting_secret: Secret | None = Field(None, description="What reporting proves itself by to identity.")
    notifications_secret: Secret | None = Field(None, description="What notifications proves itself by to identity.")
    probe_port: int = Field(
        9100, ge=0, le=65535, description="TCP port of /live, /ready and /metrics of `serve`; 0 takes any free one."
    )
    rate: int = Field(
        500, ge=0, le=100_000, description="Requests to the API per second that one address may make; 0: no limit."
    )
    gateway: Networks = Field(
        "",
        description="Addresses or networks of the gateway, by commas: whose X-Forwarded-For is believed.",
    )
    kafka: str | None = Field(None, description="Brokers of Kafka as host:port, by commas; without: in-process bus.")
    kafka_prefix: str = Field("zhurnal", pattern=r"^[a-z0-9-]{1,60}$", description="What topics begin with.")
    kafka_replication: int = Field(1, ge=1, le=9, description="Copies of each topic; 3 where there are three brokers.")
    kafka_min_insync: int = Field(1, ge=1, le=9, description="Copies that must be written before a publish counts.")
    kafka_retention_hours: int = Field(168, ge=1, description="How long topics keep events; the log keeps them all.")
    kafka_security: Literal["plaintext", "tls", "sasl", "sasl_tls"] = Field(
        "plaintext", description="How brokers are spoken to."
    )
    kafka_ca: Path | None = Field(None, description="File with the certificates that brokers' ones are signed by.")
    kafka_certificate: Path | None = Field(None, description="File with the client's own certificate (mutual TLS).")
    kafka_key: Path | None = Field(None, description="File with the key of the client's certificate.")
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism."
    )
    kafka_user: str | None = Field(None, description="SASL user.")
    kafka_password: SecretStr | None = Field(None, description="SASL password.")
    kurrent_uri: SecretStr | None = Field(
        None, description="Connection string of KurrentDB or EventStoreDB; without: logs are kept in PostgreSQL."
    )
    kurrent_logs: str = Field(
        "gradebook,schedule",
        pattern=r"^(gradebook|schedule)(,(gradebook|schedule))?$",
        description="Which logs are kept there when an address is given.",
    )
    notice: Path | None = Field(
        None, description="File whose text /status shows as planned work, read each time; absent or empty: none."
    )
    traces: Url | None = Field(None, description="OTLP/HTTP collector of traces; without: none are sent.")
    backups: Path | None = Field(
        None, description="Folder that `zhurnal backup` writes to and in which `zhurnal doctor` looks for the newest."
    )

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """The settings of the environment (default: the process's), command-line `overrides` (not None) going first.

        Raises CannotStart naming the variable for a value that is wrong or missing and for a name that is unknown.
        """
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in (os.environ if environment is None else environment).items()
            if name.startswith(PREFIX) and value
        }
        for field in given:
            if field not in cls.model_fields:
                name = PREFIX + field.upper()
                raise CannotStart(
                    f"Переменная {name} журналу не известна; проверьте её имя.",
                    f"The variable {name} is not known to Zhurnal; check its name.",
                )
        given_here = {key: value for key, value in overrides.items() if value is not None}
        try:
            settings = cls(**{**given, **given_here})
        except ValidationError as wrong:
            first = wrong.errors(include_input=False, include_url=False)[0]
            name = PREFIX + str(first["loc"][0]).upper()
            if first["type"] == "missing":
                raise CannotStart(f"Переменная {name} не задана.", f"The variable {name} is not set.") from None
            why = first["msg"].removeprefix("Value error, ")
            raise CannotStart(
                f"Переменная {name} задана неверно: {why}.", f"The variable {name} is wrong: {why}."
            ) from None
        return settings

    @property
    def zoneinfo(self) -> ZoneInfo:
        """The college's time zone."""
        return ZoneInfo(self.zone)

    @property
    def embedded(self) -> bool:
        """Whether the databases live on an embedded server in the data folder."""
        return not any(getattr(self, f"{service}_{kind}dsn") for service in SERVICES for kind in ("", "owner_"))

    def need(self, field: str) -> Any:
        """The value of a setting that is needed here. Raises CannotStart, naming the variable, when it is not set."""
        value = getattr(self, field)
        if value is None:
            name = PREFIX + field.upper()
            raise CannotStart(f"Переменная {name} не задана.", f"The variable {name} is not set.")
        return value.get_secret_value() if isinstance(value, SecretStr) else value

    def database(self, service: str) -> DatabaseAddress:
        """The given address of a service's database. Raises CannotStart when there is none."""
        return DatabaseAddress(self.need(f"{service}_dsn"), getattr(self, f"{service}_owner_dsn"))

    def require_databases(self) -> Self:
        """For what works on the databases of all services: they are given for all of them, or for none (embedded)."""
        if not self.embedded:
            for service in SERVICES:
                self.need(f"{service}_dsn")
        return self

    @classmethod
    def variables(cls) -> Iterator[tuple[str, str, str]]:
        """Every variable as (name, default, description), for the documentation and its test."""
        for name, field in cls.model_fields.items():
            default = "" if field.default is None else str(field.default)
            yield PREFIX + name.upper(), default, field.description or ""
