"""A Deployment with its pods in memory: an API server that may fail, the controllers, kubelets, and a watch."""

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from tests.kubernetes import bodies
from wva.kubernetes.api.client import MERGE_PATCH, Api, Body
from wva.kubernetes.api.errors import CONFLICT, NOT_FOUND, ApiError
from wva.kubernetes.api.resource import Resource
from wva.kubernetes.objects.pod import DELETION_COST, DRAINING, SERVING_GATE, Pod, pod
from wva.kubernetes.objects.workload import Workload, workload
from wva.kubernetes.status import time_text

COST_SINCE = (1, 22)
NODES = 3
"""So many that some pods are beside others."""


class MemoryCluster(Api):
    """What ``Api`` shows of it is as it is; what ``workload`` and ``pods`` give is as ``see`` found it last."""

    def __init__(self, replicas: int, *, gated: bool, version: tuple[int, int], now: float) -> None:
        """Have that many pods, all of them ready."""
        self.version_found = version
        self.now = now
        self.replicas = replicas
        self.requests: Counter[str] = Counter()
        """By pod: those that still have some never end by themselves."""
        self.deleted: list[Body] = []
        self.writes = 0
        self.fails_in: int | None = None
        """Writes until one fails."""
        self.fails_after = False
        """Whether that one is done all the same."""
        self._gated = gated
        self._made = self._revision = 0
        self._pods: dict[str, Body] = {}
        self.settle()
        for body in self._pods.values():
            _say(body, SERVING_GATE, "True")
        self.run_kubelets()
        self.see()

    @property
    def truth(self) -> Mapping[str, Body]:
        """The pods as they are."""
        return self._pods

    def see(self) -> None:
        """Let the watch catch up."""
        template = bodies.template("--model=m", app="d", route="on")
        if self._gated:
            template["spec"]["readinessGates"] = [{"conditionType": SERVING_GATE}]
        body = bodies.deployment("d", self.replicas, pod=template)
        body["status"] |= {"replicas": len(self._pods), "updatedReplicas": len(self._pods)}
        self.workload: Workload = workload(body)
        self.pods: tuple[Pod, ...] = tuple(pod(deepcopy(each)) for each in self._pods.values())

    def settle(self) -> None:
        """What the ReplicaSet's controller does."""
        for name in sorted(self._pods, key=self._taken)[: max(0, len(self._pods) - self.replicas)]:
            self.deleted.append(self._pods.pop(name))
        while len(self._pods) < self.replicas:
            self._made += 1
            name = f"d-{self._made}"
            # Older ones spare a new pod with a node of its own for one beside others: no client can keep them from it.
            node = f"node-{self._made % NODES if self.version_found >= COST_SINCE else self._made}"
            body = bodies.pod(name, node, ready=False, ownerReferences=bodies.owned_by("ReplicaSet", "d-5f"))
            body["metadata"] |= {
                "labels": {"app": "d", "route": "on", "own": name},
                "annotations": {"somebody/else": "yes"},
                "creationTimestamp": time_text(self.now),
                "resourceVersion": "0",
            }
            if self._gated:
                body["spec"]["readinessGates"] = [{"conditionType": SERVING_GATE}]
            self._pods[name] = body

    def run_kubelets(self) -> None:
        """All containers run; pods are ready where their gates are open."""
        for body in self._pods.values():
            opened = not self._gated or _said(body, SERVING_GATE) == "True"
            if _said(body, "Ready") != str(opened):
                _say(body, "Ready", str(opened), self.now)

    async def read(self, resource: Resource, namespace: str | None, name: str, subresource: str | None = None) -> Body:
        """One of its objects."""
        if subresource == "scale":
            return {"metadata": {"resourceVersion": str(self._revision)}, "spec": {"replicas": self.replicas}}
        if name not in self._pods:
            raise ApiError("gone", NOT_FOUND)
        return deepcopy(self._pods[name])

    async def patch(
        self, resource: Resource, namespace: str | None, name: str, body: Mapping[str, Any],
        subresource: str | None = None, kind: str = MERGE_PATCH,
    ) -> Body:  # fmt: skip
        """Change one of them, or fail as it was told to."""
        if self.fails_in is not None:
            self.fails_in -= 1
            if self.fails_in < 0:
                self.fails_in = None
                if self.fails_after:
                    self._patch(name, body, subresource)
                raise ApiError("the connection broke", None)
        self._patch(name, body, subresource)
        return {}

    def lose(self, name: str) -> None:
        """A pod goes with its node."""
        del self._pods[name]

    def replaced(self, name: str) -> None:
        """Another pod has that name by now: like the first one at its beginning, but ready."""
        body = deepcopy(self._pods[name])
        body["metadata"] |= {"uid": f"{body['metadata']['uid']}-new", "annotations": {"somebody/else": "yes"}}
        body["metadata"]["resourceVersion"] += "0"
        self._pods[name] = body

    def changed(self, name: str, metadata: Mapping[str, Any], *conditions: Mapping[str, str]) -> None:
        """Somebody else changes a pod, as a leader before this one."""
        self._patch(name, {"metadata": metadata, "status": {"conditions": conditions}}, None)

    def _patch(self, name: str, body: Mapping[str, Any], subresource: str | None) -> None:
        if subresource == "scale":
            self._check(body, {"resourceVersion": str(self._revision)})
            self.replicas = body["spec"]["replicas"]
            self._revision += 1
            return
        if name not in self._pods:
            raise ApiError("gone", NOT_FOUND)
        known = self._pods[name]["metadata"]
        self._check(body, known)
        for key in ("labels", "annotations"):
            for item, value in body["metadata"].get(key, {}).items():
                known[key].pop(item, None)
                known[key] |= {} if value is None else {item: value}
        for said in body.get("status", {}).get("conditions", ()):
            _say(self._pods[name], said["type"], said["status"], self.now)
        known["resourceVersion"] = str(int(known["resourceVersion"]) + 1)

    def _check(self, body: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        self.writes += 1
        wanted = body.get("metadata", {})
        if any(wanted[key] != known[key] for key in ("uid", "resourceVersion") if key in wanted):
            raise ApiError("changed", CONFLICT)

    def _taken(self, name: str) -> tuple[Any, ...]:
        """As ``controller_utils.go`` sorts them, and of equals the busiest first."""
        found = pod(self._pods[name])
        beside = sum(pod(each).node == found.node for each in self._pods.values())
        cost = int(self._pods[name]["metadata"]["annotations"].get(DELETION_COST, 0))
        since = -(found.changed_at or 0.0) if found.ready else 0.0
        if self.version_found >= COST_SINCE:
            # Times are compared roughly from then on.
            return found.ready, cost, -beside, -self.requests[name]
        return found.ready, -beside, since, -(found.created_at or 0.0), -self.requests[name]


def drains(body: Body) -> bool:
    """Whether a pod bears the annotation."""
    return DRAINING in body["metadata"]["annotations"]


def is_ready(body: Body) -> bool:
    """Whether its condition says so."""
    return _said(body, "Ready") == "True"


def _said(body: Body, kind: str) -> str | None:
    return next((each["status"] for each in body["status"]["conditions"] if each["type"] == kind), None)


def _say(body: Body, kind: str, status: str, now: float | None = None) -> None:
    others = [each for each in body["status"]["conditions"] if each["type"] != kind]
    said = {"type": kind, "status": status} | ({} if now is None else {"lastTransitionTime": time_text(now)})
    body["status"]["conditions"] = [*others, said]
