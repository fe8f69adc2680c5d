"""Bad news waits, good news does not."""

from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.reporting.doubts import PATIENCE_S, settled
from wva.kubernetes.status import Report

TARGET = Condition(Aspect.TARGET_RESOLVED, False, Because.TARGET_NOT_FOUND)
GOOD = Condition(Aspect.METRICS_AVAILABLE, True, Because.METRICS_FOUND)
BAD = Condition(Aspect.METRICS_AVAILABLE, False, Because.METRICS_MISSING)


def test_bad_news_is_told_once_it_has_lasted() -> None:
    told, since = settled(Report(1, (TARGET, BAD)), {}, 100.0)
    assert told.conditions == (TARGET,)
    told, since = settled(Report(1, (TARGET, BAD)), since, 100.0 + PATIENCE_S - 1)
    assert told.conditions == (TARGET,)
    told, since = settled(Report(1, (TARGET, BAD)), since, 100.0 + PATIENCE_S)
    assert told.conditions == (TARGET, BAD)


def test_good_news_is_told_at_once_and_ends_the_doubt() -> None:
    _, since = settled(Report(1, (BAD,)), {}, 100.0)
    told, since = settled(Report(1, (GOOD,)), since, 115.0)
    assert told.conditions == (GOOD,)
    assert since == {}
    told, _ = settled(Report(1, (BAD,)), since, 100.0 + PATIENCE_S)
    assert told.conditions == ()
