"""A real kube-apiserver over a real etcd on the loopback: what Kubernetes says to a manifest, without machines.

Nothing runs what is applied (no controllers, no nodes): validation, defaulting, admission, field ownership and the
immutability of fields are all of this cluster's work, and all that a chart can be refused by.
"""

import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.local.processes import free_port
from tests.kube.tools import CannotCheck, program

TOKEN = "only-on-this-loopback"
READY_SECONDS = 60
STOP_SECONDS = 20
APPLY = {"content-type": "application/apply-patch+yaml"}

Object = dict[str, Any]


class Refused(Exception):
    """The server did not take an object; its words."""


class Cluster:
    """A context manager that starts both programs, waits until they answer, and stops them."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="zhurnal-kube-")
        self._running: list[subprocess.Popen[bytes]] = []
        self._paths: dict[tuple[str, str], tuple[str, bool]] = {}

    def __enter__(self) -> Self:
        programs = program("etcd"), program("apiserver")
        try:
            self._start(*programs)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
        self._folder.cleanup()

    def _start(self, etcd: Path, apiserver: Path) -> None:
        folder = Path(self._folder.name)
        clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._run(
            etcd,
            *(f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=error"),
            *(f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"),
            *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
            f"--initial-cluster=default={peers}",
        )
        key = folder / "accounts.pem"
        key.write_bytes(
            rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        port = free_port()
        self._run(
            apiserver,
            f"--etcd-servers={clients}",
            *("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={port}"),
            *(f"--cert-dir={folder / 'certificates'}", "--endpoint-reconciler-type=none"),
            *("--service-account-issuer=https://zhurnal.invalid", f"--service-account-key-file={key}"),
            *(f"--service-account-signing-key-file={key}", f"--token-auth-file={folder / 'tokens.csv'}"),
            *("--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16"),
            # Without controllers nobody makes a namespace's default account.
            *("--disable-admission-plugins=ServiceAccount", "-v=0"),
        )
        certificate = folder / "certificates" / "apiserver.crt"
        ends = time.monotonic() + READY_SECONDS
        while not self._ready(certificate, port):
            died = next((p for p in self._running if p.poll() is not None), None)
            if died is not None or time.monotonic() > ends:
                said = (folder / "said").read_text(errors="replace")[-3000:]
                raise CannotCheck(f"the cluster did not start: {said}")
            time.sleep(0.2)

    def _ready(self, certificate: Path, port: int) -> bool:
        try:
            trusted = ssl.create_default_context(cafile=str(certificate))
            self._http = httpx.Client(
                base_url=f"https://127.0.0.1:{port}",
                headers={"authorization": f"Bearer {TOKEN}"},
                verify=trusted,
                timeout=60,
            )
            return self._http.get("/readyz").status_code == 200
        except (OSError, httpx.TransportError):
            return False

    def _run(self, executable: Path, *arguments: str) -> None:
        with (Path(self._folder.name) / "said").open("ab") as said:
            self._running.append(subprocess.Popen([executable, *arguments], stdout=said, stderr=said))

    # -- objects --------------------------------------------------------------------------------------------------

    def namespace(self, name: str) -> None:
        """A namespace that takes only pods of the restricted standard."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}, "")

    def define(self, kinds: Iterable[Object]) -> None:
        """Install definitions of foreign kinds and wait until they are served."""
        wanted = []
        for kind in kinds:
            self.apply(kind, "")
            spec = kind["spec"]
            wanted += [(f"{spec['group']}/{v['name']}", spec["names"]["kind"]) for v in spec["versions"] if v["served"]]
        ends = time.monotonic() + READY_SECONDS
        while missing := [each for each in wanted if not self.knows(*each)]:
            if time.monotonic() > ends:
                raise CannotCheck(f"the server does not serve {missing}")
            time.sleep(0.2)

    def knows(self, version: str, kind: str) -> bool:
        """Whether the server has objects of this kind."""
        if (version, kind) not in self._paths:
            base = f"/api/{version}" if "/" not in version else f"/apis/{version}"
            answer = self._http.get(base)
            if answer.status_code == 200:
                for each in answer.json()["resources"]:
                    if "/" not in each["name"]:
                        self._paths[version, each["kind"]] = f"{base}/{each['name']}", each["namespaced"]
        return (version, kind) in self._paths

    def apply(self, thing: Object, namespace: str, *, dry: bool = False) -> Object:
        """Server-side apply as the manager helm, never taking a field from another one; unknown fields are refused.

        Answers the object as it is then. Raises Refused, for a warning of the server too.
        """
        parameters = {"fieldManager": "helm", "force": "false", "fieldValidation": "Strict"}
        if dry:
            parameters["dryRun"] = "All"
        path = f"{self._path(thing, namespace)}/{thing['metadata']['name']}"
        return _told(self._http.patch(path, params=parameters, headers=APPLY, json=thing))

    def try_pod(self, pod: Object, namespace: str) -> None:
        """Ask whether the namespace would take this pod; only for pods the standard is enforced. Raises Refused."""
        parameters = {"dryRun": "All", "fieldValidation": "Strict"}
        _told(self._http.post(self._path(pod, namespace), params=parameters, json=pod))

    def scale(self, deployment: str, namespace: str, replicas: int) -> None:
        """Set the replicas of a Deployment as the autoscaler's controller does: as a manager of its own."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}/scale"
        told = _told(self._http.get(path))
        told["spec"]["replicas"] = replicas
        _told(self._http.put(path, params={"fieldManager": "autoscaler"}, json=told))

    def delete(self, thing: Object, namespace: str) -> None:
        """Delete it at once; one that is not there is fine."""
        path = f"{self._path(thing, namespace)}/{thing['metadata']['name']}"
        answer = self._http.delete(path, params={"propagationPolicy": "Background", "gracePeriodSeconds": "0"})
        if answer.status_code != 404:
            _told(answer)

    def _path(self, thing: Object, namespace: str) -> str:
        if not self.knows(thing["apiVersion"], thing["kind"]):
            raise Refused(f"the server knows no {thing['kind']} of {thing['apiVersion']}")
        path, namespaced = self._paths[thing["apiVersion"], thing["kind"]]
        base, _, resource = path.rpartition("/")
        return f"{base}/namespaces/{namespace}/{resource}" if namespaced else path


def _told(answer: httpx.Response) -> Object:
    said: Object = answer.json()
    if answer.is_error:
        raise Refused(said.get("message", answer.text))
    # 299 - "the words"; the server warns of what it takes now and will not later.
    if warnings := answer.headers.get_list("warning"):
        raise Refused("warned: " + "; ".join(warnings))
    return said
