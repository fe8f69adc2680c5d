"""The mirror: the newest of everything, whatever order the news come in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes import bodies
from wva.kubernetes.configuration.parse import SATURATION
from wva.kubernetes.scope import Scope
from wva.kubernetes.watching.feeds import Feed, feeds
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror


def at(version: int, body: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """The object in that version."""
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version), **metadata}}


def feed(kind: Kind, scope: Scope | None = None) -> Feed:
    return next(each for each in feeds(scope or Scope("wva")) if each.kind is kind)


def replica_set(name: str, deployment: str) -> dict[str, Any]:
    return {"metadata": bodies.metadata(name, ownerReferences=bodies.owned_by("Deployment", deployment))}


def pod_of(owner: str, name: str, **more: Any) -> dict[str, Any]:
    return bodies.pod(name, ownerReferences=bodies.owned_by("ReplicaSet", owner), **more)


def names(mirror: Mirror, uid: str) -> set[str]:
    return {pod.name for pod in mirror.pods_of(uid)}


Act = tuple[str, int, int]
"""What happened, to which of three pods, in which version."""


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Act], list[Act]]:
    """What happened to some pods, in its order, and the same in another one with some of it told twice."""
    true: list[Act] = []
    there = set[int]()
    for version in range(1, draw(st.integers(1, 20)) + 1):
        which = draw(st.integers(0, 2))
        gone = which in there and draw(st.booleans())
        there = there - {which} if gone else there | {which}
        true.append(("gone" if gone else "seen", which, version))
    return true, draw(st.permutations(true + draw(st.lists(st.sampled_from(true), max_size=5))))


def told(acts: list[Act]) -> Mirror:
    mirror = Mirror()
    for happened, which, version in acts:
        if happened == "gone":
            mirror.gone(Kind.POD, "team", f"p{which}", str(version))
        else:
            owner = f"rs{version % 2}"
            mirror.seen(Kind.POD, at(version, pod_of(owner, f"p{which}", generation=version), uid=f"{version}"))
    return mirror


@given(histories())
def test_any_order_of_the_news_ends_in_the_same_mirror(history: tuple[list[Act], list[Act]]) -> None:
    true, shuffled = history
    expected, found = told(true), told(shuffled)
    assert set(found.pods()) == set(expected.pods())
    for owner in ("uid-rs0", "uid-rs1"):
        assert set(found.pods_of(owner)) == {pod for pod in expected.pods() if pod.owner and pod.owner.uid == owner}


@given(histories())
def test_listeners_are_told_every_step_from_one_record_to_the_next(history: tuple[list[Act], list[Act]]) -> None:
    mirror, known = Mirror(), dict[str, Any]()

    def listener(kind: Kind, namespace: str, name: str, old: Any, new: Any) -> None:
        assert known.get(name) == old != new
        assert mirror.pod(namespace, name) == new
        known[name] = new

    mirror.subscribe(listener)
    for happened, which, version in history[1]:
        if happened == "gone":
            mirror.gone(Kind.POD, "team", f"p{which}", str(version))
        else:
            mirror.seen(Kind.POD, at(version, bodies.pod(f"p{which}"), uid=f"{version}"))
    assert {record for record in known.values() if record is not None} == set(mirror.pods())


def test_nothing_is_told_where_no_record_changes_or_nobody_listens_any_more() -> None:
    mirror, calls = Mirror(), list[Any]()
    end = mirror.subscribe(lambda *about: calls.append(about))
    mirror.seen(Kind.NODE, at(1, bodies.node("n")))
    mirror.seen(Kind.NODE, at(2, bodies.node("n"), annotations={"heartbeat": "1"}))
    assert [about[:3] for about in calls] == [(Kind.NODE, "", "n")]
    end()
    mirror.gone(Kind.NODE, "", "n", "3")
    assert len(calls) == 1


def test_pods_belong_to_workloads_whatever_is_seen_first() -> None:
    mirror = Mirror()
    mirror.seen(Kind.POD, at(3, pod_of("d-1", "a")))
    mirror.seen(Kind.POD, at(4, pod_of("d-2", "b")))
    mirror.seen(Kind.POD, at(5, bodies.pod("c", ownerReferences=bodies.owned_by("StatefulSet", "s"))))
    mirror.seen(Kind.POD, at(6, bodies.pod("alone")))
    assert names(mirror, "uid-d") == set()
    for version, name in enumerate(("d-1", "d-2"), 7):
        mirror.seen(Kind.REPLICA_SET, at(version, replica_set(name, "d")))
    assert names(mirror, "uid-d") == {"a", "b"}
    assert names(mirror, "uid-s") == {"c"}
    assert {found.meta.name for found in mirror.replica_sets_of("uid-d")} == {"d-1", "d-2"}
    mirror.gone(Kind.REPLICA_SET, "team", "d-1", "9")
    mirror.gone(Kind.POD, "team", "b", "10")
    assert names(mirror, "uid-d") == set()
    assert len(mirror.pods()) == 3


def test_a_list_ends_what_it_does_not_have_where_it_looks() -> None:
    mirror = Mirror()
    for version, namespace in enumerate(("a", "a", "b"), 1):
        mirror.seen(Kind.SERVICE, at(version, {"metadata": {"name": f"s{version}", "namespace": namespace}}))
    mirror.listed(feed(Kind.SERVICE, Scope("wva", only_namespace="a")), {("a", "s1")}, "4")
    found = {(place, name) for place, name in (("a", "s1"), ("a", "s2"), ("b", "s3")) if mirror.service(place, name)}
    assert found == {("a", "s1"), ("b", "s3")}
    mirror.seen(Kind.SERVICE, at(2, {"metadata": {"name": "s2", "namespace": "a"}}))
    assert mirror.service("a", "s2") is None


def test_a_list_ends_nothing_that_is_newer_than_it() -> None:
    mirror = Mirror()
    mirror.seen(Kind.POD, at(7, bodies.pod("just-made")))
    mirror.listed(feed(Kind.POD), (), "6")
    assert mirror.pod("team", "just-made") is not None


def test_nodes_are_unknown_until_they_are_listed_and_once_they_are_not_shown() -> None:
    mirror, nodes = Mirror(), feed(Kind.NODE)
    mirror.seen(Kind.NODE, at(1, bodies.node("n")))
    assert mirror.nodes() is None
    mirror.listed(nodes, {("", "n")}, "1")
    assert [node.name for node in mirror.nodes() or ()] == ["n"]
    mirror.forget(nodes)
    assert mirror.nodes() is None
    mirror.seen(Kind.NODE, at(1, bodies.node("n")))
    mirror.listed(nodes, {("", "n")}, "2")
    assert [node.name for node in mirror.nodes() or ()] == ["n"]
    mirror.listed(nodes, (), "3")
    assert mirror.nodes() == ()


def test_older_versions_count_again_after_the_data_were_restored() -> None:
    mirror, pods = Mirror(), feed(Kind.POD)
    mirror.seen(Kind.POD, at(90, bodies.pod("p")))
    mirror.gone(Kind.POD, "team", "q", "91")
    mirror.distrust(pods)
    mirror.seen(Kind.POD, at(10, bodies.pod("p", ready=False)))
    mirror.seen(Kind.POD, at(11, bodies.pod("q")))
    assert {pod.name: pod.ready for pod in mirror.pods()} == {"p": False, "q": True}


def test_bad_settings_keep_the_last_good_ones_and_say_why() -> None:
    mirror, about = Mirror(), {"name": SATURATION, "namespace": "wva"}
    for version, text in enumerate(("priority: 7", "priority: {"), 1):
        mirror.seen(Kind.CONFIG_MAP, at(version, {"metadata": about, "data": {"default": text}}))
    mirror.seen(Kind.CONFIG_MAP, at(3, {"metadata": {"name": "other", "namespace": "wva"}, "data": {"x": "y"}}))
    found = mirror.cluster().config_maps
    assert set(found) == {("wva", SATURATION)}
    accepted = found["wva", SATURATION]
    assert accepted.layer.default is not None
    assert accepted.layer.default.model_dump(exclude_none=True)["priority"] == 7
    assert "is no YAML" in (accepted.refusal or "")
    mirror.gone(Kind.CONFIG_MAP, "wva", SATURATION, "4")
    assert mirror.cluster().config_maps == {}


def test_a_writer_learns_the_version_and_the_status_that_were_read() -> None:
    mirror = Mirror()
    spec = {"modelID": "m", "scaleTargetRef": {"kind": "Deployment", "name": "d"}}
    body = {"metadata": bodies.metadata("v"), "spec": spec}
    mirror.seen(Kind.VARIANT_AUTOSCALING, at(5, body))
    written = mirror.written("team", "v")
    assert written is not None
    assert (written.version, written.status) == ("5", {})
    status = {"conditions": [], "others": {"kept": 1}}
    mirror.seen(Kind.VARIANT_AUTOSCALING, at(6, {**body, "status": status}))
    mirror.seen(Kind.VARIANT_AUTOSCALING, at(5, body))
    written = mirror.written("team", "v")
    assert written is not None
    assert (written.version, written.status) == ("6", status)
    mirror.gone(Kind.VARIANT_AUTOSCALING, "team", "v", "7")
    assert mirror.written("team", "v") is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.SCALED_OBJECT, {"spec": {"triggers": []}}),
        (Kind.SCALED_OBJECT, {"spec": {"scaleTargetRef": {"name": "d"}, "triggers": [{"type": "prometheus"}]}}),
        (Kind.VARIANT_AUTOSCALING, {"spec": {"modelID": ""}}),
        (Kind.INFERENCE_POOL, {"apiVersion": "inference.networking.k8s.io/v1", "spec": {"targetPorts": [{}]}}),
        (Kind.OLDER_INFERENCE_POOL, {"spec": {}}),
        (Kind.POD, {"status": {"phase": "Strange"}}),
    ],
)
def test_what_cannot_be_read_is_said_and_counts_as_nothing_until_it_can(kind: Kind, body: dict[str, Any]) -> None:
    mirror = Mirror()
    mirror.seen(kind, at(1, {**body, "metadata": bodies.metadata("x")}))
    assert list(mirror.unreadable()) == [(kind, ("team", "x"))]
    assert "\n" not in mirror.unreadable()[kind, ("team", "x")].problem
    told = [each.meta.name for each in mirror.cluster().unreadable]
    assert told == (["x"] if kind is Kind.VARIANT_AUTOSCALING else [])
    mirror.listed(feed(kind), (), "2")
    assert mirror.unreadable() == {}


def test_a_cluster_for_discovery() -> None:
    mirror = Mirror()
    mirror.seen(Kind.DEPLOYMENT, at(1, bodies.deployment("d")))
    mirror.seen(Kind.STATEFUL_SET, at(2, {**bodies.deployment("d"), "kind": "StatefulSet"}))
    mirror.seen(Kind.HPA, at(3, bodies.hpa("h", "d")))
    mirror.seen(Kind.SCALED_OBJECT, at(4, bodies.scaled_object("k", "d")))
    mirror.seen(Kind.NAMESPACE, at(5, {"metadata": {"name": "team"}}))
    cluster = mirror.cluster()
    assert mirror.view().cluster == cluster
    assert set(cluster.workloads) == {("Deployment", "team", "d"), ("StatefulSet", "team", "d")}
    assert [scaler.meta.name for scaler in cluster.scalers] == ["h", "k"]
    assert set(cluster.namespaces) == {"team"}
    assert all(cluster.workload(scaler.target) is not None for scaler in cluster.scalers)
