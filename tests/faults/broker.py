"""A real Kafka broker whose address for clients is a way of Toxiproxy, so that every record passes through it."""

from pathlib import Path

from services.local.kafka import Broker
from services.local.processes import free_port


class ProxiedBroker(Broker):
    """`address` goes to the broker itself, for the harness; `inner` is where the way called `kafka` must lead, and
    `way` the port at which it must listen."""

    def __init__(self, folder: Path) -> None:
        self.inner, self.way = free_port(), free_port()
        protocols = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT"
        listener = {"listeners": f"PROXIED://127.0.0.1:{self.inner}", "listener.security.protocol.map": protocols}
        super().__init__(folder, properties=listener)

    def _configure(self) -> None:
        super()._configure()
        path = self.folder / "server.properties"
        lines = path.read_text().splitlines()
        told = f"advertised.listeners=PLAINTEXT://{self.address},PROXIED://127.0.0.1:{self.way}"
        lines = [told if line.startswith("advertised.listeners=") else line for line in lines]
        path.write_text("\n".join(lines) + "\n")
