"""Status bodies: right by the schema, and written only when something has changed."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes.api_server import checked
from tests.kubernetes.bodies import NOW, NOW_S
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.crd.schema import schema
from wva.kubernetes.status import Report, is_due, status_body, time_text

FOUND = Condition(Aspect.TARGET_RESOLVED, True, Because.TARGET_FOUND, "there")
LOST = Condition(Aspect.TARGET_RESOLVED, False, Because.TARGET_NOT_FOUND, "not there")
REPORT = Report(3, (FOUND,), desired=2, current=1, accelerator="H100", applied=False, decision="d1", reasons=("load",))
LATER = NOW_S + 60


def written(previous: dict[str, Any], report: Report = REPORT, now: float = NOW_S) -> dict[str, Any]:
    body = status_body(previous, report, now)
    assert body is not None
    return body


def test_the_whole_status() -> None:
    body = written({})
    assert body == {
        "desiredOptimizedAlloc": {"numReplicas": 2, "accelerator": "H100", "lastRunTime": NOW},
        "currentReplicas": 1,
        "actuation": {"applied": False},
        "conditions": [
            {
                "type": "TargetResolved",
                "status": "True",
                "reason": "TargetFound",
                "message": "there",
                "lastTransitionTime": NOW,
                "observedGeneration": 3,
            }
        ],
        "decision": {"id": "d1", "reasons": ["load"]},
    }
    assert checked(body, schema()["properties"]["status"]) == []


def test_nothing_is_written_while_only_words_and_decisions_change() -> None:
    first = written({})
    same = replace(REPORT, conditions=(replace(FOUND, message="still"),), decision="d2", reasons=("less load",))
    assert status_body(first, same, LATER) is None
    assert status_body(first, replace(REPORT, desired=None, current=None, applied=None), LATER) is None, "unknown"


def test_what_changes_is_written_with_the_decision_that_changed_it() -> None:
    first = written({})
    grown = written(first, replace(REPORT, desired=4, decision="d2", reasons=("more load",)), LATER)
    assert grown["desiredOptimizedAlloc"]["lastRunTime"] == time_text(LATER)
    assert grown["decision"] == {"id": "d2", "reasons": ["more load"]}
    assert grown["conditions"] == first["conditions"]
    zero = written(grown, replace(REPORT, desired=0, decision="d3"), LATER)
    assert zero["desiredOptimizedAlloc"]["numReplicas"] == 0, "0 is a count, not unknown"


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    first = written({})
    other_reason = replace(FOUND, because=Because.ACCEPTED)
    reworded = written(first, replace(REPORT, conditions=(other_reason,)), LATER)
    assert reworded["conditions"][0]["lastTransitionTime"] == NOW
    lost = written(first, replace(REPORT, conditions=(LOST,)), LATER)
    assert lost["conditions"][0]["lastTransitionTime"] == time_text(LATER)
    assert lost["conditions"][0]["message"] == "not there"
    newer = written(first, replace(REPORT, generation=4), LATER)
    assert newer["conditions"][0]["observedGeneration"] == 4


def test_conditions_of_others_stay() -> None:
    foreign = {"type": "Paid", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": NOW}
    assert written({"conditions": [foreign]})["conditions"][1] == foreign


def test_an_unknown_condition_and_long_words() -> None:
    unknown = Condition(Aspect.METRICS_AVAILABLE, None, Because.METRICS_MISSING, "x" * 5000)
    body = written({}, replace(REPORT, conditions=(unknown,), reasons=tuple("abcdefg")))
    assert body["conditions"][0]["status"] == "Unknown"
    assert len(body["conditions"][0]["message"]) == 1024
    assert body["decision"]["reasons"] == [*"abcde"]


def test_one_object_is_not_written_twice_in_a_moment() -> None:
    assert is_due(None, 5.0)
    assert not is_due(5.0, 14.9)
    assert is_due(5.0, 15.0)


CONDITIONS = st.lists(
    st.builds(
        Condition, st.sampled_from(Aspect), st.sampled_from([True, False, None]), st.sampled_from(Because), st.text()
    ),
    max_size=4,
    unique_by=lambda each: each.aspect,
)
COUNTS = st.one_of(st.none(), st.integers(0, 5))
REPORTS = st.builds(
    Report,
    st.one_of(st.none(), st.integers(0, 3)),
    CONDITIONS.map(tuple),
    COUNTS,
    COUNTS,
    st.sampled_from([None, "H100"]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "d"]),
)


@given(st.lists(REPORTS, min_size=1, max_size=5))
def test_saying_the_same_again_writes_nothing_and_all_is_valid(reports: list[Report]) -> None:
    status: dict[str, Any] = {}
    for place, report in enumerate(reports):
        status = status_body(status, report, NOW_S + place) or status
        assert status_body(status, report, LATER) is None
        assert checked(status, schema()["properties"]["status"]) == []


@given(REPORTS, st.lists(st.text(), min_size=4, max_size=4), st.text())
def test_words_and_decisions_alone_are_never_written(report: Report, words: list[str], decision: str) -> None:
    status = status_body({}, report, NOW_S) or {}
    conditions = tuple(replace(one, message=text) for one, text in zip(report.conditions, words, strict=False))
    assert status_body(status, replace(report, conditions=conditions, decision=decision), LATER) is None
    unknown = replace(report, conditions=conditions[:1], desired=None, current=None, accelerator=None, applied=None)
    assert status_body(status, unknown, LATER) is None, "what is not known changes nothing"


def test_no_text_is_empty() -> None:
    body = written({}, replace(REPORT, conditions=(replace(FOUND, message=""),), reasons=("", "load")))
    assert body["conditions"][0]["message"] == "TargetFound"
    assert body["decision"]["reasons"] == ["load"]
