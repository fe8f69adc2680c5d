"""Pods as replicas."""

from dataclasses import replace
from typing import Any

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.bodies import NOW_S
from wva.fleet.observation import CarrierTraits
from wva.fleet.replica import Instance, Phase, Replica
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.kubernetes.objects.pod import Pod, PodPhase, pod
from wva.kubernetes.objects.workload import ReplicaSet, replica_set, workload
from wva.kubernetes.replicas import current_revision, replica, variant_observation
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror

NOW = NOW_S + 600
VARIANT = Variant("team/v", "team/m", Role.BOTH, "H100-80GB", 1, EngineArguments(), 10.0, 0, 9, 180.0)
TRAITS = CarrierTraits("user", chooses_victims=False, drains=False, reaches_zero=False, restores=False)


def made(name: str, owner: str = "d-5f", **more: Any) -> Pod:
    return replace(pod(bodies.pod(name, ownerReferences=bodies.owned_by("ReplicaSet", owner))), **more)


def revisions(*numbered: tuple[str, str]) -> list[ReplicaSet]:
    found = []
    for number, template_hash in numbered:
        about = {
            "annotations": {"deployment.kubernetes.io/revision": number},
            "labels": {"pod-template-hash": template_hash},
        }
        owner = bodies.owned_by("Deployment", "d")
        found.append(replica_set({"metadata": bodies.metadata(f"d-{template_hash}", ownerReferences=owner, **about)}))
    return found


def test_a_pod_that_serves() -> None:
    assert replica(made("p", revision="5f"), NOW) == Replica(
        id="team/p",
        phase=Phase.READY,
        reason=None,
        since=NOW_S + 120,
        ordered_at=NOW_S,
        started_at=NOW_S + 10,
        ready_at=NOW_S + 120,
        revision="5f",
        instances=(Instance("team/p", None, None),),
        node="n1",
    )


@pytest.mark.parametrize(
    ("changes", "draining", "phase", "reason", "since"),
    [
        ({"node": None, "scheduled_at": None, "ready": False, "unschedulable": "no GPU"}, None, "pending", "no GPU", 0),
        ({"ready": False, "changed_at": NOW_S}, None, "starting", None, 10),
        ({"ready": False, "changed_at": NOW_S + 300}, None, "starting", None, 300),
        ({"ready": False, "waiting": "CrashLoopBackOff"}, None, "starting", "keeps failing: CrashLoopBackOff", 120),
        ({"deleted_at": NOW_S + 200}, None, "draining", "deleted", 200),
        ({}, NOW_S + 150, "draining", "drains", 150),
        ({"changed_at": None}, None, "ready", None, 600),
    ],
)
def test_phases(changes: dict[str, Any], draining: float | None, phase: str, reason: str | None, since: float) -> None:
    found = replica(made("p", **changes), NOW, draining)
    assert (found.phase, found.reason, found.since - NOW_S) == (phase, reason, since)
    assert (found.ready_at is None) == (not changes.get("ready", True) or "changed_at" in changes)


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({"node": None, "scheduled_at": None, "ready": False}, -100),
        ({"node": None, "scheduled_at": None, "ready": False, "created_at": NOW_S - 200}, -200),
        ({}, 120),
    ],
)
def test_a_pod_for_which_nothing_comes_counts_as_pending_for_long(changes: dict[str, Any], since: float) -> None:
    assert replica(made("p", **changes), NOW, None, NOW_S - 100).since - NOW_S == since


def test_pods_belong_to_workloads_by_their_owners() -> None:
    mirror = Mirror()
    for revision in ("d-5f", "d-6a"):
        about = bodies.metadata(revision, ownerReferences=bodies.owned_by("Deployment", "d"), resourceVersion="1")
        mirror.seen(Kind.REPLICA_SET, {"metadata": about})
    owners = {
        "a": bodies.owned_by("ReplicaSet", "d-5f"),
        "b": bodies.owned_by("ReplicaSet", "d-6a"),
        "c": bodies.owned_by("ReplicaSet", "stranger"),
        "s-0": bodies.owned_by("StatefulSet", "s"),
        "bare": None,
    }
    for name, owner in owners.items():
        mirror.seen(Kind.POD, bodies.pod(name, ownerReferences=owner, resourceVersion="1"))
    uids = ("uid-d", "uid-stranger", "uid-s", "", "uid-bare")
    found = {uid: sorted(each.name for each in own) for uid in uids if (own := mirror.pods_of(uid))}
    assert found == {
        "uid-d": ["a", "b"],
        "uid-stranger": ["c"],
        "uid-s": ["s-0"],
    }


def test_the_newest_template_of_a_deployment_is_that_of_its_newest_replica_set() -> None:
    sets = revisions(("1", "5f"), ("2", "6a"))
    body = bodies.deployment("d", annotations={"deployment.kubernetes.io/revision": "2"})
    assert current_revision(workload(body), sets) == "6a"
    assert current_revision(workload(body), sets[:1]) is None, "not seen yet"
    stateful = {**bodies.deployment("s"), "kind": "StatefulSet"}
    stateful["status"]["updateRevision"] = "s-7d"
    assert current_revision(workload(stateful), sets) == "s-7d"


def test_a_variant_as_it_is() -> None:
    pods = [made("b"), made("a"), made("c", phase=PodPhase.FAILED)]
    found = variant_observation(
        VARIANT, workload(bodies.deployment("d", 3)), pods, "5f", TRAITS, NOW, {"b": NOW_S + 400}
    )
    assert [(each.id, each.phase) for each in found.replicas] == [("team/a", "ready"), ("team/b", "draining")]
    assert (found.desired, found.ready, found.revision) == (2, 3, "5f"), "what drains is not wanted"
