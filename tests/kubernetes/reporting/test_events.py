"""Events come of changes, once; the gravest alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes.bodies import NOW_S
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.reporting.events import Happening, Said, complaint_event, events_of, said_after, said_in
from wva.kubernetes.status import Report, status_body

METRICS = Condition(Aspect.METRICS_AVAILABLE, True, Because.METRICS_FOUND)
NO_METRICS = Condition(Aspect.METRICS_AVAILABLE, False, Because.METRICS_STALE, "61 s old")
OPTIMIZED = Condition(Aspect.OPTIMIZATION_READY, True, Because.OPTIMIZED)
FREE = Condition(Aspect.ACTUATION_LIMITED, False, Because.UNLIMITED)
NO_STOCK = Condition(Aspect.ACTUATION_LIMITED, True, Because.NO_STOCK, "no node")
ADVISORY = Condition(Aspect.ACTUATION_LIMITED, True, Because.ADVISORY)
CONFLICT = Condition(Aspect.CONFLICT, True, Because.CHANGED, "somebody set it to 7")
LOST = Condition(Aspect.TARGET_RESOLVED, False, Because.TARGET_NOT_FOUND, "not there")
WELL = Report(1, (METRICS, OPTIMIZED, FREE), desired=2, current=2, reasons=("load", "kept"))


def told(before: Report | None, after: Report) -> list[tuple[str, str]]:
    known = Said() if before is None else said_after(Said(), before)
    return [(event.reason.value, event.message) for event in events_of(known, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, WELL, []),
        (WELL, WELL, []),
        (WELL, replace(WELL, desired=4), [("ScaledUp", "desired replicas 2 -> 4: kept")]),
        (WELL, replace(WELL, desired=1, reasons=()), [("ScaledDown", "desired replicas 2 -> 1")]),
        (WELL, replace(WELL, desired=0), [("ScaledToZero", "desired replicas 2 -> 0: kept")]),
        (WELL, replace(WELL, desired=None), []),
        (WELL, replace(WELL, desired=4, conditions=(ADVISORY,)), []),
        (WELL, replace(WELL, desired=4, conditions=(NO_STOCK,)),
         [("ScaledUp", "desired replicas 2 -> 4: kept"), ("ResourceConstrained", "no node")]),
        (WELL, replace(WELL, conditions=(NO_STOCK,)), [("ResourceConstrained", "no node")]),
        (replace(WELL, conditions=(NO_STOCK,)), replace(WELL, conditions=(replace(NO_STOCK, message="!"),)), []),
        (WELL, replace(WELL, desired=1, conditions=(NO_STOCK,)), [("ScaledDown", "desired replicas 2 -> 1: kept")]),
        (WELL, replace(WELL, conditions=(NO_METRICS,)), [("MetricsUnavailable", "61 s old")]),
        (None, replace(WELL, conditions=(NO_METRICS,)), []),
        (replace(WELL, conditions=(replace(NO_METRICS, holds=None),)), replace(WELL, conditions=(NO_METRICS,)), []),
        (WELL, replace(WELL, conditions=(replace(NO_METRICS, holds=None),)), []),
        (None, replace(WELL, conditions=(LOST,)), [("TargetNotFound", "not there")]),
        (WELL, replace(WELL, conditions=(NO_METRICS, CONFLICT, LOST)), [("TargetNotFound", "not there")]),
        (WELL, replace(WELL, desired=3, conditions=(CONFLICT,)), [("Conflict", "somebody set it to 7")]),
    ],
)  # fmt: skip
def test_what_happened(before: Report | None, after: Report, expected: list[tuple[str, str]]) -> None:
    assert told(before, after) == expected


@pytest.mark.parametrize(
    ("aspect", "holds", "because", "expected"),
    [
        (Aspect.ACCEPTED, False, Because.INVALID, "InvalidConfiguration"),
        (Aspect.ACCEPTED, False, Because.DUPLICATE, "DuplicateTarget"),
        (Aspect.ACCEPTED, False, Because.NAME_TAKEN, "InvalidConfiguration"),
        (Aspect.CONFLICT, True, Because.FOREIGN_SCALER, "Conflict"),
        (Aspect.CONFLICT, True, Because.OWNED, "Conflict"),
        (Aspect.OPTIMIZATION_READY, False, Because.OPTIMIZATION_FAILED, "OptimizationFailed"),
        (Aspect.OPTIMIZATION_READY, False, Because.UNKNOWN_ACCELERATOR, "AcceleratorNotResolved"),
        (Aspect.ACTUATION_LIMITED, True, Because.QUOTA, "ResourceConstrained"),
        (Aspect.ACTUATION_LIMITED, True, Because.STABILIZING, None),
        (Aspect.OPTIMIZATION_READY, None, Because.DUPLICATE, None),
        (Aspect.CONFLICT, False, Because.NO_CONFLICT, None),
    ],
)
def test_which_condition_is_which_event(
    aspect: Aspect, holds: bool | None, because: Because, expected: str | None
) -> None:
    after = Report(1, (Condition(aspect, holds, because, "why"),))
    assert told(None, after) == ([] if expected is None else [(expected, "why")])


def test_what_the_predecessor_told_is_not_told_again() -> None:
    lost = replace(WELL, conditions=(LOST, NO_METRICS))
    status = status_body({}, lost, NOW_S) or {}
    assert (
        events_of(said_in(status), replace(lost, conditions=(replace(LOST, message="other words"), NO_METRICS))) == ()
    )
    grown = events_of(said_in(status), replace(lost, desired=3))
    assert [event.reason for event in grown] == [Happening.SCALED_UP]


def test_a_config_map_is_complained_about_once_for_each_reason() -> None:
    assert complaint_event(None, None) == ()
    (event,) = complaint_event(None, "key default: is no YAML")
    assert (event.reason, event.warning) == (Happening.INVALID_CONFIGURATION, True)
    assert "is no YAML" in event.message
    assert complaint_event("a", "a") == ()
    assert len(complaint_event("a", "b")) == 1
    assert complaint_event("a", None) == ()


CONDITIONS = st.builds(
    Condition, st.sampled_from(Aspect), st.sampled_from([True, False, None]), st.sampled_from(Because), st.text("ab1")
)
REPORTS = st.builds(
    Report,
    st.just(1),
    st.lists(CONDITIONS, max_size=7, unique_by=lambda each: each.aspect).map(tuple),
    st.one_of(st.none(), st.integers(0, 5)),
)


@given(st.lists(REPORTS, min_size=1, max_size=6))
def test_one_event_at_most_and_none_twice(reports: list[Report]) -> None:
    said = Said()
    for report in reports:
        found = events_of(said, report)
        assert len(found) <= 1 + (found[:1] != () and found[0].reason is Happening.SCALED_UP)
        said = said_after(said, report)
        assert events_of(said, report) == (), "the same again is no change"
