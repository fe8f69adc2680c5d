"""From a turn to what is said of a variant: conditions, counts and reasons; nothing where nothing is known."""

from dataclasses import replace
from typing import Any

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.api_server import checked
from tests.kubernetes.reporting.scene import IDLE, VARIANT, custom, declared, one, picture, serving, turn, usual
from tests.record.builders import TRAFFIC
from wva.fleet.outcome import Result
from wva.fleet.tick import TickResult
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.crd.schema import schema
from wva.kubernetes.follower import Outlook
from wva.kubernetes.orders import ACT, PAUSED, Act
from wva.kubernetes.picture import Picture
from wva.kubernetes.reporting.report import Acting, decided, undecidable
from wva.kubernetes.reporting.turn import Turn
from wva.kubernetes.shortage import Shortage, Shortages
from wva.kubernetes.status import Report, status_body

REST = usual()
STALE = replace(TRAFFIC, age_s=61.0)


def report(found: Picture, what: Turn, acting: Acting | None = None, shortages: Shortages | None = None) -> Report:
    return decided(one(found), what, acting or Acting(), shortages or Shortages())


def said(given: Report, aspect: Aspect) -> tuple[bool | None, str] | None:
    return next(((each.holds, each.because.value) for each in given.conditions if each.aspect is aspect), None)


def words(given: Report, aspect: Aspect) -> str:
    return next(each.message for each in given.conditions if each.aspect is aspect)


def test_a_variant_at_rest() -> None:
    given = report(REST, turn(REST))
    assert [(each.aspect.value, each.holds) for each in given.conditions] == [
        ("Accepted", True),
        ("TargetResolved", True),
        ("MetricsAvailable", True),
        ("OptimizationReady", True),
        ("ActuationLimited", False),
        ("Conflict", False),
    ]
    assert (given.generation, given.desired, given.current, given.applied) == (3, 2, 2, True)
    assert (given.accelerator, given.decision) == ("H100", "plan-1")
    assert given.reasons == ("load 1.2 requests/s", "because of 1")
    body = status_body({}, given, bodies.NOW_S)
    assert checked(body, schema()["properties"]["status"]) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (True, "MetricsFound")),
        ({"unmeasured": ["team/llama-0"]}, (True, "MetricsFound")),
        ({"age_s": 61.0}, (False, "MetricsStale")),
        ({"age_s": None}, (False, "MetricsMissing")),
        ({"age_s": 61.0, "problems": {"prometheus": "refused"}}, (False, "PrometheusError")),
        ({"age_s": None, "problems": {"metrics": "it timed out"}}, (False, "PrometheusError")),
        ({"problems": {"prometheus": "one of its queries failed"}}, (True, "MetricsFound")),
        ({"traffic": None}, (True, "MetricsFound")),
    ],
)
def test_metrics_are_available_where_a_ready_replica_has_fresh_ones(
    more: dict[str, Any], expected: tuple[bool, str]
) -> None:
    assert said(report(REST, turn(REST, **more)), Aspect.METRICS_AVAILABLE) == expected


def test_the_words_say_how_much_is_measured() -> None:
    given = report(REST, turn(REST, unmeasured=["team/llama-0"], traffic=STALE))
    assert (
        words(given, Aspect.METRICS_AVAILABLE)
        == "1 of 2 ready replicas are measured; the gateway's figures are unknown"
    )
    assert "61 s old" in words(report(REST, turn(REST, age_s=61.0)), Aspect.METRICS_AVAILABLE)
    failed = report(REST, turn(REST, age_s=None, problems={"prometheus": "no answer", "metrics": "late"}))
    assert words(failed, Aspect.METRICS_AVAILABLE) == "no answer"


@pytest.mark.parametrize(
    ("traffic", "expected"),
    [(TRAFFIC, (True, "MetricsFound")), (STALE, (None, "MetricsMissing")), (None, (None, "MetricsMissing"))],
)
def test_without_replicas_the_gateway_is_what_is_measured(traffic: Any, expected: tuple[bool | None, str]) -> None:
    empty = usual(0)
    assert said(report(empty, turn(empty, 0, traffic=traffic)), Aspect.METRICS_AVAILABLE) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (True, "OptimizationSucceeded")),
        ({"code": "blind"}, (False, "MetricsUnavailable")),
        ({"target": None, "result": TickResult.NO_DECISION}, (False, "OptimizationFailed")),
        ({"target": None, "result": TickResult.NOTHING_SEEN}, (False, "OptimizationFailed")),
        ({"target": None}, None),
    ],
)
def test_how_the_decision_went(more: dict[str, Any], expected: tuple[bool, str] | None) -> None:
    assert said(report(REST, turn(REST, **more)), Aspect.OPTIMIZATION_READY) == expected


def test_a_failed_decision_says_why_and_nothing_of_counts() -> None:
    given = report(REST, turn(REST, None, result=TickResult.NO_DECISION, problems={"policy": "ValueError: x"}))
    assert words(given, Aspect.OPTIMIZATION_READY) == "there was no decision: ValueError: x"
    assert (given.desired, given.applied, given.decision, given.reasons) == (None, None, None, ())
    assert given.current == 2


def test_unknown_is_never_zero_and_what_was_said_stays() -> None:
    first = status_body({}, report(REST, turn(REST, 2)), bodies.NOW_S) or {}
    withheld = report(REST, turn(REST, 2, publish=None, code="blind", number=2))
    assert (withheld.desired, withheld.applied) == (None, None)
    second = status_body(first, withheld, bodies.NOW_S + 15) or {}
    assert second["desiredOptimizedAlloc"] == first["desiredOptimizedAlloc"]
    assert second["actuation"] == first["actuation"]
    zero = status_body(second, report(REST, turn(REST, 0)), bodies.NOW_S + 30) or {}
    assert (zero["desiredOptimizedAlloc"]["numReplicas"], zero["actuation"]) == (0, {"applied": False})


def test_what_is_published_is_within_the_bounds() -> None:
    bounded = picture(custom(spec={"maxReplicas": 3}), serving())
    assert report(bounded, turn(bounded, 9)).desired == 3


def crashing(name: str) -> dict[str, Any]:
    """A pod of which a container ends again and again."""
    body = bodies.pod(name, ready=False)
    body["status"]["containerStatuses"] = [{"restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    return body


QUOTA = Shortages(open={VARIANT: Shortage(bodies.NOW_S + 1.0, 1e12, 1, "exceeded quota: gpus")})
STOCK = Shortages(open={"H100-80GB": Shortage(0.0, 1e12, 1, "no node takes llama-2")})
RATE = Condition(Aspect.ACTUATION_LIMITED, True, Because.RATE_LIMITED, "1 pod a minute")
FREE = Condition(Aspect.ACTUATION_LIMITED, False, Because.UNLIMITED)
PENDING = picture(custom(), serving(replicas=3), bodies.pod("llama-0"), bodies.pod("llama-1", None, ready=False))
REFUSED = usual(remembered=replace(IDLE, shortages=QUOTA))
"""It has two, and its namespace's quota lets it have no more."""
FAILING = picture(custom(), serving(), bodies.pod("llama-0"), crashing("llama-1"))
CAPPED = picture(custom(spec={"maxReplicas": 2}), serving(), bodies.pod("llama-0"), bodies.pod("llama-1"))


@pytest.mark.parametrize(
    ("found", "more", "acting", "shortages", "expected"),
    [
        (REST, {}, Acting(), Shortages(), (False, "NotLimited")),
        (REST, {}, Acting(Outlook(2, FREE)), Shortages(), (False, "NotLimited")),
        (usual(act=Act.ADVISORY), {}, Acting(), Shortages(), (True, "Advisory")),
        (usual(annotations={PAUSED: "true"}), {}, Acting(), Shortages(), (True, "Paused")),
        (REST, {"paused": True, "answer": Result.REFUSED, "detail": "paused"}, Acting(), QUOTA, (True, "Paused")),
        (REST, {"target": 3}, Acting(Outlook(2, RATE)), Shortages(), (True, "RateLimited")),
        (REST, {"target": 3, "answer": Result.CLAMPED}, Acting(), Shortages(), (True, "RateLimited")),
        (CAPPED, {"target": 3, "answer": Result.CLAMPED}, Acting(), Shortages(), (True, "OutsideBounds")),
        (REST, {"target": 3, "answer": Result.REFUSED, "detail": "no right"}, Acting(), Shortages(), (True, "Refused")),
        (REST, {"target": 3, "answer": Result.PENDING, "detail": "x"}, Acting(), Shortages(), (False, "NotLimited")),
        (REST, {"target": 3, "answer": Result.CONFLICT}, Acting(), Shortages(), (False, "NotLimited")),
        (PENDING, {"target": 3}, Acting(Outlook(2, RATE)), STOCK, (True, "InsufficientStock")),
        (PENDING, {"target": 3}, Acting(), Shortages(), (False, "NotLimited")),
        (REST, {}, Acting(), STOCK, (False, "NotLimited")),
        (REST, {"code": "short"}, Acting(), STOCK, (True, "InsufficientStock")),
        (REST, {"code": "short"}, Acting(), Shortages(), (True, "InsufficientStock")),
        (REST, {"code": "short"}, Acting(), QUOTA, (True, "QuotaExceeded")),
        (REST, {}, Acting(), QUOTA, (False, "NotLimited")),
        (REFUSED, {"target": 2}, Acting(), QUOTA, (True, "QuotaExceeded")),
        (REFUSED, {"target": 1}, Acting(), QUOTA, (False, "NotLimited")),
        (FAILING, {"code": "short"}, Acting(), STOCK, (True, "ReplicasFailing")),
        (CAPPED, {"code": "short"}, Acting(), Shortages(), (True, "OutsideBounds")),
    ],
)  # fmt: skip
def test_what_limits_the_count(
    found: Picture, more: dict[str, Any], acting: Acting, shortages: Shortages, expected: tuple[bool, str]
) -> None:
    given = report(found, turn(found, **{"target": 2, **more}), acting, shortages)
    assert said(given, Aspect.ACTUATION_LIMITED) == expected


def test_an_advisory_variant_says_what_to_do() -> None:
    follow = "have an HPA or a ScaledObject follow"
    for annotations, act, words_of in (
        ({ACT: "advisory"}, Act.DIRECT, "to gauge or direct"),
        ({}, Act.ADVISORY, follow),
        ({}, Act.GAUGE, follow),
    ):
        found = usual(act=act, annotations=annotations)
        assert words_of in words(report(found, turn(found)), Aspect.ACTUATION_LIMITED)


def test_what_those_who_act_know_is_said_beside() -> None:
    drain = Condition(Aspect.CONFLICT, True, Because.CHANGED, "somebody else set the count to 7")
    assert report(REST, turn(REST), Acting(conditions=(drain,))).conditions[-1] is drain


def test_a_variant_that_was_declared_since_is_not_measured_yet() -> None:
    nobody = turn(picture())
    given = report(REST, nobody)
    assert said(given, Aspect.METRICS_AVAILABLE) is None
    assert said(given, Aspect.OPTIMIZATION_READY) is None
    assert (given.desired, given.current) == (None, 2)


def test_what_is_odd_is_told_with_the_acceptance() -> None:
    odd = picture(custom(labels={"inference.optimization/acceleratorName": "A100"}), serving())
    assert "A100" in words(report(odd, turn(odd)), Aspect.ACCEPTED)


UNKNOWN_MODEL = bodies.deployment("llama")


@pytest.mark.parametrize(
    ("objects", "blocker", "current"),
    [
        ([custom()], ("TargetResolved", "TargetNotFound"), None),
        ([custom(spec={"minReplicas": 3, "maxReplicas": 2}), serving()], ("Accepted", "InvalidConfiguration"), None),
        ([custom(), serving(product=None)], ("OptimizationReady", "AcceleratorNotResolved"), 2),
        ([custom(spec={"modelID": "no/one"}), UNKNOWN_MODEL], ("OptimizationReady", "ModelNotInCatalogue"), 2),
    ],
)  # fmt: skip
def test_what_stands_against_a_decision(
    objects: list[dict[str, Any]], blocker: tuple[str, str], current: int | None
) -> None:
    given = undecidable(declared(picture(*objects)))
    false = [(each.aspect.value, each.because.value) for each in given.conditions if each.holds is False]
    assert false == [blocker]
    unknown = {each.aspect for each in given.conditions if each.holds is None}
    assert Aspect.METRICS_AVAILABLE in unknown
    assert all(each.because.value == blocker[1] for each in given.conditions if each.holds is None)
    assert (given.desired, given.current, given.decision) == (None, current, None)
    aspects = {each.aspect for each in given.conditions}
    assert len(given.conditions) == len(aspects), "each once"
    assert aspects == {*Aspect}
    body = status_body({}, given, bodies.NOW_S)
    assert checked(body, schema()["properties"]["status"]) == []


def test_orders_that_are_not_understood_are_said_where_people_look() -> None:
    found = usual(annotations={PAUSED: "maybe"})
    given = report(found, turn(found))
    assert PAUSED in words(given, Aspect.ACCEPTED)
    assert said(given, Aspect.ACCEPTED) == (True, "Accepted")
