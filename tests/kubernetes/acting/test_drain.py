"""How pods are taken out of service, and what they bear of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes import bodies
from tests.kubernetes.acting.made import NOW, deployment, made, out
from wva.kubernetes.acting.drain import (
    Draining,
    DrainKind,
    DrainMethod,
    chooses_victims,
    drain_condition,
    drain_method,
    labels_in,
    out_of_service,
    read,
    written,
)
from wva.kubernetes.acting.load import Load, is_done, is_idle
from wva.kubernetes.objects.pod import DRAINING, SERVING_GATE, pod
from wva.kubernetes.objects.selector import Selector, selector

GATE, LABEL, GRACE = DrainKind.GATE, DrainKind.LABEL, DrainKind.GRACE


def by(**labels: str) -> Selector:
    return selector({"matchLabels": labels})


@pytest.mark.parametrize(
    ("pools", "services", "kind", "labels"),
    [
        ([], [by(app="d", route="on")], LABEL, ("route",)),
        ([], [by(route="on")], LABEL, ("route",)),
        ([], [by(app="d")], GRACE, ()),
        ([], [by(app="another", route="on")], GRACE, ()),
        ([], [], GRACE, ()),
        ([], [by(app="d", route="on"), by(app="d")], GRACE, ()),
        ([by(route="on")], [by(app="d")], LABEL, ("route",)),
        ([by(app="d")], [by(route="on")], GRACE, ()),
        ([by(pool="x", route="on"), by(pool="x")], [], LABEL, ("pool",)),
        ([by(pool="x"), by(route="on")], [], LABEL, ("pool", "route")),
        ([selector({"matchExpressions": [{"key": "route", "operator": "Exists"}]})], [], LABEL, ("route",)),
        ([selector({"matchExpressions": [{"key": "off", "operator": "DoesNotExist"}]})], [], GRACE, ()),
    ],
)
def test_the_way_follows_from_who_selects_the_pods(
    pools: list[Selector], services: list[Selector], kind: DrainKind, labels: tuple[str, ...]
) -> None:
    template = deployment(2).template
    template = replace(template, labels=(*template.labels, ("pool", "x")))
    found = deployment(2, template=template, selector=by(app="d"))
    assert drain_method(found, pools, services) == DrainMethod(kind, labels)


def test_a_gate_in_the_template_goes_before_everything_else() -> None:
    assert drain_method(deployment(2, gated=True), [], [by(route="on")]) == DrainMethod(GATE)


@pytest.mark.parametrize(
    ("kind", "method", "version", "chosen"),
    [
        ("Deployment", GATE, (1, 20), True),
        ("Deployment", LABEL, (1, 20), False),
        ("Deployment", LABEL, (1, 22), True),
        ("Deployment", GRACE, (1, 21), False),
        ("Deployment", GRACE, (1, 33), True),
        ("StatefulSet", GATE, (1, 33), False),
    ],
)
def test_who_chooses_the_victims(kind: str, method: DrainKind, version: tuple[int, int], chosen: bool) -> None:
    assert chooses_victims(deployment(1, kind=kind), DrainMethod(method), version) is chosen


@pytest.mark.parametrize(
    ("method", "version", "status", "said"),
    [
        (DrainMethod(GATE), (1, 20), "True", ""),
        (DrainMethod(LABEL, ("route",)), (1, 20), "True", "before Kubernetes 1.22"),
        (DrainMethod(LABEL, ("route",)), (1, 22), "True", "by label route"),
        (DrainMethod(GRACE), (1, 22), "False", "add readiness gate wva.llmd.ai/serving"),
    ],
)
def test_it_is_said(method: DrainMethod, version: tuple[int, int], status: str, said: str) -> None:
    found = drain_condition(deployment(1), method, version)
    assert (str(found.aspect), found.status) == ("DrainSupported", status)
    assert said in found.message


@given(
    st.floats(1e9, 4e9),
    st.sampled_from(DrainKind),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    st.none() | st.integers(-(2**31), 2**31 - 1),
)
def test_what_a_pod_bears_is_read_as_it_was_written(
    since: float, kind: DrainKind, labels: dict[str, str], cost: int | None
) -> None:
    found = read(written(Draining(since, since + 600, kind, tuple(sorted(labels.items())), cost)))
    assert found is not None
    assert (found.kind, dict(found.labels), found.cost) == (kind, labels, cost)
    assert found.since == pytest.approx(since, abs=1e-5)
    assert found.deadline == pytest.approx(since + 600, abs=1e-5)
    assert read(written(found)) == found


@pytest.mark.parametrize(
    "text",
    [None, "", "{", "[]", "{}", '{"since": 1, "deadline": 2, "method": "label"}', written(Draining(1, 2, GATE))[:-3]],
)
def test_what_nobody_can_read_is_no_drain(text: str | None) -> None:
    assert read(text) is None


def test_pods_say_it_of_themselves() -> None:
    body = bodies.pod("b", annotations={DRAINING: written(Draining(NOW, NOW + 1, LABEL, (("route", "on"),)))})
    assert out_of_service([made("a"), pod(body), out("c", GATE)]).keys() == {"b", "c"}
    assert pod(body).serving is None
    body["spec"]["readinessGates"] = [{"conditionType": SERVING_GATE}]
    assert pod(body).serving is False
    body["status"]["conditions"].append({"type": SERVING_GATE, "status": "True"})
    assert pod(body).serving is True


@pytest.mark.parametrize(
    ("load", "idle"),
    [
        (Load(NOW + 5, 0, 0), True),
        (Load(NOW + 4.9, 0, 0), False),
        (Load(NOW + 9, 0, 1), False),
        (Load(NOW + 9, 1, 0), False),
        (Load(NOW + 9, None, 0), False),
        (Load(NOW + 9, 0, None), False),
        (None, False),
    ],
)
def test_only_what_it_says_after_all_know_makes_a_pod_idle(load: Load | None, idle: bool) -> None:
    begun = Draining(NOW, NOW + 60, GATE)
    assert is_idle(begun, load) is idle
    assert is_done(begun, load, NOW + 59) is idle
    assert is_done(begun, load, NOW + 60)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", {}),
        ("[]", {}),
        ('{"labels": 3}', {}),
        ('{"method": "unheard of", "labels": {"route": "on"}}', {"route": "on"}),
        (written(Draining(1, 2, LABEL, (("route", "on"),))), {"route": "on"}),
    ],
)
def test_labels_are_given_back_whatever_else_is_said(text: str, labels: dict[str, str]) -> None:
    assert labels_in(text) == labels
