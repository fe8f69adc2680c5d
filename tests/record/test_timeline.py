"""Changes, what became of them, and the holds between."""

from dataclasses import replace
from typing import Any

from tests.record.builders import decide, growth, observation, refused, replica, seen
from tests.record.threshold import Threshold
from wva.fleet.outcome import Outcome, Result
from wva.fleet.reason import Reason
from wva.fleet.replica import Phase
from wva.record.decision import Decision
from wva.record.timeline import Change, Hold, Timeline, condense


def run(*observations: Any) -> list[Decision[Any]]:
    return list(decide(Threshold(), observations))


def test_a_run_is_condensed_to_its_changes() -> None:
    entries = condense(run(*growth())).entries
    assert [type(entry) for entry in entries] == [Hold, Change, Hold, Change, Hold]
    first, grown, held, shrunk, _ = entries
    assert isinstance(first, Hold)
    assert (first.first_time, first.last_time, first.decisions, first.reasons) == (0, 15, 2, (("held", 2),))
    assert isinstance(grown, Change)
    assert (grown.index, grown.time, grown.variant, grown.before, grown.after) == (2, 30, "fast", 2, 3)
    assert grown.reason is not None
    assert grown.reason.text == "11 requests wait, more than 5"
    assert (grown.reached_s, grown.replaced_s, grown.seen) == (45, None, 3)
    assert isinstance(held, Hold)
    assert held.decisions == 4
    assert isinstance(shrunk, Change)
    assert (shrunk.before, shrunk.after, shrunk.reached_s, shrunk.seen) == (3, 2, 30, 2)


def test_a_change_may_be_replaced_before_it_is_reached() -> None:
    waiting = [replica("a", 9.0)]
    starting = replica("b", None, Phase.STARTING, 0.0)
    timeline = condense(run(observation(0.0, seen(waiting)), observation(15.0, seen([*waiting, starting], desired=2))))
    first, second = timeline.changes
    assert (first.before, first.after, first.reached_s, first.replaced_s, first.seen) == (1, 2, None, 15, 1)
    assert (second.before, second.after, second.reached_s, second.replaced_s, second.seen) == (2, 3, None, None, None)


def test_the_bodys_last_word_counts() -> None:
    waiting = seen([replica("a", 9.0)])
    first, second = run(observation(0.0, waiting), observation(15.0, seen([replica("a", 1.0)], desired=2)))
    pending = replace(first, outcomes=(Outcome(first.plan.id, "fast", Result.PENDING, 1),))
    later = Outcome(first.plan.id, "fast", Result.CLAMPED, 1, "quota")
    second = replace(second, observation=replace(second.observation, outcomes=(later,)))
    (change,) = condense([pending, second]).changes
    assert change.outcome == later
    (change,) = condense([pending]).changes
    assert change.outcome == pending.outcomes[0]


def test_growth_that_waits_for_others_to_leave_is_no_change_until_it_is_made() -> None:
    waiting = seen([replica("a", 9.0)])
    first, second, third = run(*(observation(15.0 * number, waiting) for number in range(3)))

    def conditional(decision: Decision[Any], result: Result, replicas: int) -> Decision[Any]:
        (part,) = decision.plan.variants
        plan = replace(decision.plan, variants=(replace(part, target=2, after_freed=("b",)),))
        return replace(decision, plan=plan, outcomes=(Outcome(plan.id, "fast", result, replicas),))

    kept = [conditional(one, Result.PENDING, 1) for one in (first, second)]
    assert condense(kept).changes == []
    (hold,) = condense(kept).entries
    assert isinstance(hold, Hold)
    assert hold.problems == (("pending", 2),)
    (change,) = condense([*kept, conditional(third, Result.APPLIED, 2)]).changes
    assert (change.time, change.before, change.after) == (30.0, 1, 2)


def test_giving_up_is_the_reason_for_a_change() -> None:
    (made,) = run(observation(0.0, seen([replica("a", 0.0), replica("b", 0.0)])))
    reasons = (Reason("demand", "load 3"), Reason("yield", "gives up 1 replica to chat, priority 10"))
    part = replace(made.plan.variants[0], target=1, reasons=reasons)
    (change,) = condense([replace(made, plan=replace(made.plan, variants=(part,)))]).changes
    assert change.reason == reasons[1]


def test_trouble_while_holding_is_counted() -> None:
    quiet = [observation(15.0 * number, seen([replica("a", 1.0)])) for number in range(3)]
    made: list[Any] = run(*quiet)
    made[1] = refused(made[1], "quota")
    (hold,) = condense(made).entries
    assert isinstance(hold, Hold)
    assert hold.problems == (("refused", 1),)


def test_one_variant_alone() -> None:
    calm, busy = seen([replica("a", 1.0)], name="calm"), seen([replica("b", 9.0)], name="busy")
    made = run(observation(0.0, calm, busy), observation(15.0, calm, seen([replica("b", 1.0)], desired=2, name="busy")))
    assert [change.variant for change in condense(made).changes] == ["busy"]
    timeline = condense(made, "calm")
    assert timeline.changes == []
    (hold,) = timeline.entries
    assert isinstance(hold, Hold)
    assert hold.last_reason == "1 requests wait"
    assert timeline.variants == {"calm", "busy"}


def test_a_repeated_target_is_no_new_change() -> None:
    waiting = [replica("a", 9.0)]
    made = run(observation(0.0, seen(waiting)), observation(15.0, seen(waiting)))
    assert [change.time for change in condense(made).changes] == [0.0]


def test_unknown_readiness_is_counted_from_the_replicas() -> None:
    blind = replace(seen([replica("a", 1.0), replica("b", 1.0)], desired=2), ready=None)
    made = run(observation(0.0, seen([replica("a", 9.0)])), observation(15.0, blind))
    (change,) = condense(made).changes
    assert (change.reached_s, change.seen) == (15, 2)


def test_an_empty_run() -> None:
    assert Timeline().entries == []
