"""The rules by which bodies answer plans, for any fleet and any plan. What they mean in a run is in tests/simulate."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tests.simulate.fleets import variant
from wva.control.carry_out import STOPPED_FIRST, accepted, in_order, judge, victims, waiting_for_stock
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan, Victim
from wva.fleet.replica import Phase


@dataclass(frozen=True)
class One:
    id: str
    phase: Phase
    since: float


phases = st.sampled_from(Phase)
fleets = st.lists(st.tuples(phases, st.integers(0, 3)), max_size=8).map(
    lambda drawn: [One(f"v-{place}", phase, float(since)) for place, (phase, since) in enumerate(drawn, 1)]
)
names = st.lists(st.sampled_from([f"v-{number}" for number in range(1, 10)]), max_size=6).map(tuple)
parts = st.builds(
    VariantPlan,
    variant=st.just("v"),
    expected=st.integers(0, 5),
    target=st.integers(-2, 12),
    publish=st.none(),
    victims=names.map(lambda named: tuple(Victim(name, None) for name in named)),
    after_freed=names,
)


def plan(*given: VariantPlan) -> Plan:
    return Plan("plan", "observation", 0.0, given)


@given(fleets, parts, st.integers(0, 9))
def test_victims_are_the_named_ones_then_those_furthest_from_serving(
    members: list[One], part: VariantPlan, count: int
) -> None:
    able = [one for one in members if one.phase is not Phase.DRAINING]
    chosen = victims(members, count, part)
    assert len(chosen) == len(set(chosen)) == min(count, len(able))
    assert set(chosen) <= set(able)
    named = [victim.replica for victim in part.victims]
    wanted = [name for name in dict.fromkeys(named) if name in {one.id for one in able}]
    assert [one.id for one in chosen][: len(wanted)] == wanted[:count]
    own = chosen[len(wanted) :]
    for stopped in own:
        for stays in set(able) - set(chosen):
            assert STOPPED_FIRST.index(stopped.phase) <= STOPPED_FIRST.index(stays.phase)
            if stopped.phase is stays.phase:
                assert stopped.since >= stays.since


@given(fleets, parts, st.integers(0, 3), st.integers(1, 6), st.integers(0, 5), st.booleans())
def test_a_part_is_taken_within_its_limits_or_changes_nothing(
    members: list[One], part: VariantPlan, lowest: int, more: int, current: int, expired: bool
) -> None:
    limits = variant(lowest=lowest, most=lowest + more)
    answer = judge(plan(part), part, limits, current, expired=expired, members=members)
    if isinstance(answer, Outcome):
        assert answer.result in (Result.CONFLICT, Result.PENDING)
        assert answer.replicas == current
        assert answer.detail
        assert (answer.result is Result.CONFLICT) == (expired or part.expected != current)
        return
    assert not expired
    assert part.expected == current
    assert lowest <= answer <= lowest + more
    assert answer <= current or not set(part.after_freed) & {one.id for one in members}
    outcome = accepted(plan(part), part, answer, waiting_for_stock(members))
    assert outcome.replicas == answer
    assert (outcome.result is Result.CLAMPED) == (answer != part.target)
    if outcome.result is Result.APPLIED:
        assert Phase.PENDING not in {one.phase for one in members}


@given(st.lists(parts, max_size=6))
def test_every_part_is_carried_out_once_and_those_that_wait_for_others_last(given: list[VariantPlan]) -> None:
    order = in_order(plan(*given))
    assert sorted(order) == list(range(len(given)))
    waits = [bool(given[place].after_freed) for place in order]
    assert waits == sorted(waits)
