"""`make kube-check`: what a real Kubernetes says to the charts.

Every profile is rendered by a real Helm and sent to a real kube-apiserver as a dry run of server-side apply that
refuses unknown fields; its pods must pass the restricted standard. Then the latest release of each chart is applied for
good and upgraded to the present one without taking a field by force. What must be refused is sent too, so the check can
fail. Ends with 0 when all went as promised, 1 when not, 2 when it could not be done.
"""

import copy
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.kit.postgres import Database
from services.kit.settings import PREFIX, SERVICES, Settings
from services.local.distributed import Net, Place, environment
from tests.kube import charts, checked
from tests.kube.charts import Object, Profile
from tests.kube.cluster import Cluster, Refused
from tests.kube.tools import CannotCheck, foreign_kinds, kubernetes_version

Failures = list[str]
SCALED = 3
"""Replicas that the autoscaler of the test sets, other than what a Deployment begins with."""


def judged_here(thing: Object) -> bool:
    return not thing["apiVersion"].startswith(charts.JUDGED_ELSEWHERE)


def namespace_of(profile: Profile) -> str:
    return f"{profile.chart}-{profile.name}"


def check_profiles(cluster: Cluster, kubernetes: str, failures: Failures) -> Table:
    """Every profile by dry run; the table of kinds by profiles."""
    everywhere: dict[str, Counter[str]] = {}
    for profile in charts.present():
        namespace, accepted = namespace_of(profile), everywhere.setdefault(profile.label, Counter())
        charts.lint(profile)
        for thing in charts.render(profile, namespace, kubernetes):
            if not judged_here(thing):
                accepted[f"{thing['kind']} (not judged)"] += 1
                continue
            try:
                cluster.apply(thing, namespace, dry=True)
                for pod in charts.pods(thing):
                    cluster.try_pod(pod, namespace)
                    accepted["its pod, restricted"] += 1
                accepted[thing["kind"]] += 1
            except Refused as refused:
                failures.append(f"{profile.label}: {charts.named(thing)}: {refused}")
    table = Table("kind", *everywhere, title=f"accepted by kube-apiserver {kubernetes}, fieldValidation=Strict")
    for kind in sorted({kind for counts in everywhere.values() for kind in counts}):
        table.add_row(kind, *(str(counts[kind] or "") for counts in everywhere.values()))
    return table


def check_settings(kubernetes: str, failures: Failures) -> Table:
    """Every process is told what its target needs, in names that exist; passwords and addresses come from Secrets."""
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    table = Table("profile", "processes", "variables", "from Secrets", title="settings")
    for profile in charts.present():
        counts: Counter[str] = Counter()
        for thing in charts.render(profile, namespace_of(profile), kubernetes):
            for container in (c for pod in charts.pods(thing) for c in pod["spec"]["containers"]):
                given = {each["name"]: each for each in container["env"]}
                where = f"{profile.label}: {charts.named(thing)}"
                counts.update(processes=1, variables=len(given), secret=sum("valueFrom" in e for e in given.values()))
                unknown = {name for name in given if name.startswith(PREFIX)} - known
                failures += [f"{where}: {name} is no setting" for name in sorted(unknown)]
                if container["args"][:2] == ["serve", "--target"]:
                    lacking = needed(container["args"][2]) - set(given)
                    failures += [f"{where}: {name} is not given" for name in sorted(lacking)]
                failures += [f"{where}: {name} is written down" for name, e in given.items() if _bare_secret(name, e)]
        if counts:
            table.add_row(profile.label, *(str(counts[name]) for name in ("processes", "variables", "secret")))
    return table


def needed(target: str) -> set[str]:
    """The variables that a target is given on one machine, but for what the cluster itself decides."""
    databases = {service: Database(f"zhurnal_{service}", f"zhurnal_{service}", "x", "y") for service in SERVICES}
    net = Net(Path(), databases, "kafka:9092", dict.fromkeys(SERVICES, "http://s:1"), dict.fromkeys(SERVICES[1:], "s"))
    given = environment(Place(target, 1, 1, 2), net, Settings.load({}))
    decided = {"ZHURNAL_PORT", "ZHURNAL_PROBE_PORT", "ZHURNAL_WEB"}
    if not target.endswith(".api"):
        decided.add("ZHURNAL_GATEWAY")
    if target == "identity.api":
        decided.add("ZHURNAL_KAFKA")  # it publishes nothing
    return set(given) - decided


def _bare_secret(name: str, given: Object) -> bool:
    if "value" not in given or not name.endswith(("_DSN", "_SECRET", "_PASSWORD", "_URI")):
        return False
    return re.search(r"password='\$\(PASSWORD_[A-Z_]+\)'", given["value"]) is None


def check_upgrades(cluster: Cluster, kubernetes: str, failures: Failures) -> Table:
    """From the latest release of each chart to the present one, for good; then the present one again."""
    table = Table(
        "upgrade", "before", "after", "removed", "changed", "changed by a second time", title="server-side apply"
    )
    with charts.released() as releases:
        for profile in charts.present():
            former = next((p for p in releases.get(profile.chart, ()) if p.name == profile.name), None)
            if former is None:
                continue
            namespace = namespace_of(profile)
            try:
                before = _put(cluster, former, kubernetes, namespace)
                scaled = [thing for thing in before.values() if thing["kind"] == "HorizontalPodAutoscaler"]
                for thing in scaled:
                    cluster.scale(thing["spec"]["scaleTargetRef"]["name"], namespace, SCALED)
                after = _put(cluster, profile, kubernetes, namespace)
                for thing in scaled:
                    workload = after.get(f"Deployment {thing['spec']['scaleTargetRef']['name']}")
                    if workload is not None and workload["spec"]["replicas"] != SCALED:
                        failures.append(f"{profile.label}: an upgrade undoes what an autoscaler has set")
                gone = [name for name in before if name not in after]
                for name in gone:
                    cluster.delete(before[name], namespace)
                again = _put(cluster, profile, kubernetes, namespace)
                counts = (len(before), len(after), len(gone), len(_changed(before, after)))
                twice = _changed(after, again)
                table.add_row(profile.label, *map(str, (*counts, len(twice))))
                failures += [f"{profile.label}: applied a second time it changes {name}" for name in twice]
            except Refused as refused:
                failures.append(f"{profile.label}: upgrade: {refused}")
    return table


def _put(cluster: Cluster, profile: Profile, kubernetes: str, namespace: str) -> dict[str, Object]:
    """Apply all that Helm would keep, after its hooks; {name: object}. Raises Refused, naming the object."""
    put: dict[str, Object] = {}
    for thing in charts.render(profile, namespace, kubernetes):
        if not judged_here(thing):
            continue
        try:
            if charts.is_hook(thing):
                cluster.delete(thing, namespace)  # before-hook-creation
                cluster.apply(thing, namespace)
                cluster.delete(thing, namespace)  # hook-succeeded
            else:
                put[charts.named(thing)] = cluster.apply(thing, namespace)
        except Refused as refused:
            raise Refused(f"{charts.named(thing)}: {refused}") from None
    return put


def _changed(before: dict[str, Object], after: dict[str, Object]) -> list[str]:
    """The names of what is in both and says something else: not its status, which is no chart's, nor its versions."""

    def said(thing: Object) -> Object:
        metadata = {n: v for n, v in thing["metadata"].items() if n not in ("resourceVersion", "managedFields")}
        return {**thing, "metadata": metadata, "status": None}

    return [name for name, thing in before.items() if name in after and said(thing) != said(after[name])]


# -- what must be refused ---------------------------------------------------------------------------------------------


def _misspelt(thing: Object) -> None:
    container = thing["spec"]["template"]["spec"]["containers"][0]
    container["readynessProbe"] = container.pop("readinessProbe")


def _wrong_type(thing: Object) -> None:
    thing["spec"]["revisionHistoryLimit"] = "three"


def _other_selector(thing: Object) -> None:
    thing["spec"]["selector"]["matchLabels"]["zhurnal/target"] = "another"
    thing["spec"]["template"]["metadata"]["labels"]["zhurnal/target"] = "another"


def _misspelt_top(thing: Object) -> None:
    thing["spec"]["notAField"] = True


SPOILT: tuple[tuple[str, str, Callable[[Object], None], str], ...] = (
    ("Deployment", "a misspelt field", _misspelt, "readynessProbe"),
    ("Deployment", "a wrong type", _wrong_type, "revisionHistoryLimit"),
    ("Deployment", "another selector than the one installed", _other_selector, "immutable"),
    ("HTTPRoute", "a misspelt field of Gateway API", _misspelt_top, "notAField"),
    ("SecurityPolicy", "a misspelt field of Envoy Gateway", _misspelt_top, "notAField"),
    ("ServiceMonitor", "a misspelt field of the Prometheus operator", _misspelt_top, "notAField"),
    ("Cluster", "a misspelt field of CloudNativePG", _misspelt_top, "notAField"),
)


def check_refusals(cluster: Cluster, kubernetes: str, failures: Failures) -> Table:
    """What is spoilt on purpose must be refused, by the words that name it."""
    table = Table("spoilt on purpose", "kind", "refused with", title="the check can fail")
    wanted = [profile for profile in charts.present() if profile.name == "standard"]
    things = [(p, t) for p in wanted for t in charts.render(p, namespace_of(p), kubernetes)]

    def refuse(what: str, kind: str, words: str, send: Callable[[], object]) -> None:
        try:
            send()
            failures.append(f"{what}: {kind} was accepted")
        except Refused as refused:
            table.add_row(what, kind, str(refused)[:110])
            if words not in str(refused):
                failures.append(f"{what}: refused for another reason: {refused}")

    for kind, what, spoil, words in SPOILT:
        found = next(((p, t) for p, t in things if t["kind"] == kind), None)
        if found is None:
            failures.append(f"{what}: no {kind} is rendered")
            continue
        profile, thing = found[0], copy.deepcopy(found[1])
        spoil(thing)
        refuse(what, kind, words, lambda p=profile, t=thing: cluster.apply(t, namespace_of(p), dry=True))  # type: ignore[misc]
    profile, pod = next((p, pod) for p, thing in things for pod in charts.pods(thing))
    pod["spec"]["securityContext"]["runAsNonRoot"] = False
    refuse("a pod that may run as root", "Pod", "runAsNonRoot", lambda: cluster.try_pod(pod, namespace_of(profile)))
    return table


def main() -> int:
    console, failures = Console(width=None if sys.stdout.isatty() else 160), Failures()
    try:
        with Cluster() as cluster:
            cluster.define(foreign_kinds())
            for profile in charts.present():
                cluster.namespace(namespace_of(profile))
            kubernetes = kubernetes_version()
            console.print(check_settings(kubernetes, failures))
            # Upgrades come before refusals: an immutable field needs an object that is there.
            for each in (check_profiles, check_upgrades, check_refusals):
                console.print(each(cluster, kubernetes, failures))
    except CannotCheck as cannot:
        console.print(f"cannot check: {cannot}", style="red", markup=False)
        return 2
    for failure in failures:
        console.print(failure, style="red", markup=False)
    if not failures:
        checked.passed()
    console.print(f"{'FAILED' if failures else 'passed'}: {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
