"""What a kubelet says of a pod: the status that follows from its containers, their server and its readiness gates."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Body = dict[str, Any]


@dataclass(slots=True)
class Seen:
    """What the node agent knows of a pod that runs on its node."""

    server: str
    """Name of the container that serves; the others count as running from the start on."""
    ip: str | None = None
    state: Body = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last: Body = field(default_factory=dict)
    """Its state before the newest restart."""
    restarts: int = 0
    ready: bool = False
    """Whether the server is, by its probe."""
    began: str | None = None
    """When the pod's containers began to exist."""


def now() -> str:
    """This moment as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def status(pod: Body, seen: Seen) -> Body:
    """The pod's new status; conditions that others have put there stay."""
    before = (pod.get("status") or {}).get("conditions") or []
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ()]
    open_ = {each["type"] for each in before if each["status"] == "True"}
    closed = [gate for gate in gates if gate not in open_]
    ready: Body = {"status": _word(seen.ready and not closed)}
    if not seen.ready:
        ready |= {"reason": "ContainersNotReady", "message": f"containers with unready status: [{seen.server}]"}
    elif closed:
        ready |= {"reason": "ReadinessGatesNotReady", "message": f"readiness gates not open: {', '.join(closed)}"}
    contained = {"status": _word(seen.ready)}
    wanted = {"Initialized": {"status": "True"}, "Ready": ready, "ContainersReady": contained}
    return {
        "phase": "Pending" if seen.ip is None else "Running",
        "conditions": [each for each in before if each["type"] not in wanted] + _conditions(before, wanted),
        "hostIP": "127.0.0.1",
        "podIP": seen.ip,
        "podIPs": None if seen.ip is None else [{"ip": seen.ip}],
        "startTime": seen.began,
        "containerStatuses": [_container(container, seen) for container in pod["spec"]["containers"]],
    }


def _conditions(before: list[Body], wanted: dict[str, Body]) -> list[Body]:
    known = {each["type"]: each for each in before}
    found = []
    for kind, body in wanted.items():
        old = known.get(kind)
        same = old is not None and old["status"] == body["status"]
        since = old.get("lastTransitionTime") if same and old is not None else now()
        found.append({"type": kind, "lastTransitionTime": since, **body})
    return found


def _container(container: Body, seen: Seen) -> Body:
    found = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
    if container["name"] == seen.server:
        own = {"state": seen.state, "lastState": seen.last, "restartCount": seen.restarts, "ready": seen.ready}
        return {**found, **own, "started": "running" in seen.state}
    if seen.ip is None:
        return {**found, "state": {"waiting": {"reason": "ContainerCreating"}}, "ready": False, "started": False}
    return {**found, "state": {"running": {"startedAt": seen.began}}, "ready": True, "started": True}


def _word(true: bool) -> str:
    return "True" if true else "False"


def said_already(pod: Body, body: Body) -> bool:
    """Whether the pod's status has all of this."""
    before = pod.get("status") or {}
    return all(_tidy(before.get(name)) == _tidy(value) for name, value in body.items())


def _tidy(value: Any) -> Any:
    """Without what says nothing: the API server drops some of it and adds other."""
    if isinstance(value, dict):
        kept = {name: _tidy(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner not in (None, "", {}, [])}
    return [_tidy(each) for each in value] if isinstance(value, list) else value
