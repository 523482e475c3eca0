"""Envoy's configuration for compose.yaml, on standard output: the same template and rules as on one machine.

Hosts are names of compose's services, so every replica is found by DNS. Clients come by plain HTTP, on the loopback or
from a TLS proxy (ZHURNAL_SECURE=true).
"""

import sys

from services.kit.settings import SERVICES, CannotStart, Settings
from services.local.envoy import Limits, Upstream, configuration


def main() -> int:
    try:
        settings = Settings.load()
    except CannotStart as cannot:
        sys.stderr.write(f"{cannot.text.en}\n")
        return 2
    upstreams = {service: [Upstream(f"{service}-api", 8080, 9100)] for service in SERVICES}
    text = configuration(
        {**upstreams, "web": [Upstream("web", 8080, 9100)]},
        host="0.0.0.0",  # noqa: S104 - inside a container of its own
        port=8080,
        secure=settings.secure,
        limits=Limits(rate=settings.rate),
    )
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
