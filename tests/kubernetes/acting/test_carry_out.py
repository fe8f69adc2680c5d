"""What becomes of a plan's parts."""

from dataclasses import replace
from typing import Any

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.acting.made import NAME, NOW, deployment, made, managed, part, plan
from tests.kubernetes.acting.memory import MemoryCluster
from wva.control.clock import SystemClock
from wva.fleet.outcome import Outcome
from wva.fleet.plan import VariantPlan
from wva.kubernetes.acting.advance import DrainSettings
from wva.kubernetes.acting.caps import Caps
from wva.kubernetes.acting.carry_out import ActingSettings, Carrier, Known
from wva.kubernetes.acting.load import Load
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import PodPhase
from wva.kubernetes.objects.scaler import Scaler, horizontal_pod_autoscaler, scaled_object
from wva.kubernetes.objects.workload import Refusal
from wva.kubernetes.orders import Act, VariantOrders
from wva.kubernetes.ownership import Mode

HPA = horizontal_pod_autoscaler(bodies.hpa("v", "d"))
KEDA = scaled_object(bodies.scaled_object("v", "d"))
TAKEN = Condition(Aspect.CONFLICT, True, Because.FOREIGN_SCALER, "also scaled by x")


class Clock(SystemClock):
    def utc(self) -> float:
        return NOW


class Fixture:
    """A cluster of one Deployment, and who acts on it."""

    def __init__(self, replicas: int = 2, caps: Caps | None = None, leads: bool = True) -> None:
        self.cluster = MemoryCluster(replicas, gated=False, version=(1, 22), now=NOW - 1000)
        self.written: list[tuple[str, int, int]] = []
        settings = ActingSettings(DrainSettings((1, 22)), caps or Caps())
        writer = Writer(self.cluster, lambda: leads)
        self.carrier = Carrier(writer, Clock(), settings, lambda *each: self.written.append(each))

    async def outcomes(self, *parts: VariantPlan, known: Known | None = None, **found: Managed) -> list[Outcome]:
        given = {f"team/{name}": each for name, each in found.items()}
        return list(await self.carrier.carry_out(plan(*parts), given, known or Known()))


def said(outcome: Outcome) -> tuple[str, int, str | None]:
    return str(outcome.result), outcome.replicas, outcome.detail


def two(**more: Any) -> Managed:
    return managed(deployment(2), [made("d-1"), made("d-2")], version=(1, 22), **more)


@pytest.mark.parametrize(
    ("more", "wanted", "expected"),
    [
        ({}, part(2, 2), ("applied", 2, None)),
        ({}, part(4, 2), ("applied", 4, None)),
        ({}, part(4, 3), ("conflict", 2, "3 expected, 2 found")),
        ({"most": 3}, part(4, 2), ("clamped", 3, "max 3")),
        ({"paused": True}, part(4, 2), ("refused", 2, "it is paused")),
        ({"mode": Mode.ADVISORY}, part(4, 2), ("refused", 2, "it is only advised: people write its count")),
        ({"mode": Mode.ADVISORY}, part(2, 2), ("applied", 2, None)),
        ({"conflict": TAKEN}, part(4, 2), ("conflict", 2, "also scaled by x")),
        ({}, part(4, 2, after_freed=("team/d-1",)), ("pending", 2, "waits for team/d-1 to be gone")),
    ],
)
async def test_what_a_part_comes_to(more: Any, wanted: VariantPlan, expected: Any) -> None:
    fixture = Fixture()
    assert said((await fixture.outcomes(wanted, v=two(**more)))[0]) == expected
    wrote = fixture.cluster.replicas
    assert wrote == (expected[1] if expected[0] in ("applied", "clamped") else 2)
    assert fixture.written == ([] if wrote == 2 else [(NAME, wrote, 2)])


async def test_an_expired_plan_and_an_unknown_variant_change_nothing() -> None:
    fixture = Fixture()
    late = plan(part(4, 2), valid_until=NOW - 1)
    assert said((await fixture.carrier.carry_out(late, {NAME: two()}, Known()))[0])[2] == "the plan has expired"
    assert said((await fixture.outcomes(part(4, 2)))[0])[2] == "no such variant"
    assert fixture.cluster.writes == 0


async def test_a_shrink_waits_for_the_end_of_a_rollout() -> None:
    rolling = managed(deployment(2, updated=1), [made("d-1"), made("d-2")])
    fixture = Fixture()
    outcome = (await fixture.outcomes(part(1, 2), v=rolling))[0]
    assert said(outcome) == ("pending", 2, "it shrinks once its rollout is over")
    assert (await fixture.outcomes(part(3, 2), v=rolling))[0].result == "applied"


async def test_what_keeps_replicas_from_coming_is_said() -> None:
    waits = made("d-2", ready=False, node=None, phase=PodPhase.PENDING)
    refusal = Refusal("FailedCreate", "exceeded quota: q", NOW)
    found = managed(deployment(3, refusal=refusal, present=2), [made("d-1"), waits])
    assert said((await Fixture(3).outcomes(part(3, 2), v=found))[0]) == (
        "pending",
        3,
        "1 waiting for stock; exceeded quota: q",
    )


async def test_caps_hold_over_all_variants_in_the_order_of_the_plan() -> None:
    fixture = Fixture(caps=Caps(replicas_per_minute=4))
    other = managed(deployment(2), [made("d-1"), made("d-2")], name="team/w")
    parts = part(6, 2), replace(part(6, 2), variant="team/w")
    outcomes = await fixture.outcomes(*parts, v=two(), w=other)
    assert [said(each) for each in outcomes] == [
        ("applied", 6, None),
        ("clamped", 2, "cap of 4 replicas a minute"),
    ]


@pytest.mark.parametrize("done", [False, True])
async def test_a_write_of_which_nothing_is_known_is_refused_and_repeated(done: bool) -> None:
    fixture = Fixture()
    fixture.cluster.fails_in, fixture.cluster.fails_after = 0, done
    assert said((await fixture.outcomes(part(4, 2), v=two()))[0]) == ("refused", 2, "the connection broke")
    assert said((await fixture.outcomes(part(4, 2), v=two()))[0]) == ("applied", 4, None)
    assert fixture.cluster.replicas == 4


async def test_what_fails_for_one_does_not_stop_another() -> None:
    fixture = Fixture()
    broken = replace(two(name="team/w"), workload=deployment(2, kind="Other"))
    outcomes = await fixture.outcomes(replace(part(4, 2), variant="team/w"), part(4, 2), w=broken, v=two())
    assert [str(each.result) for each in outcomes] == ["refused", "applied"]


@pytest.mark.parametrize(("gone", "left"), [(False, 1), (True, 2)])
async def test_what_drains_goes_on_by_the_last_plan_unless_the_variant_was_gone_since(gone: bool, left: int) -> None:
    fixture = Fixture()
    await fixture.outcomes(part(1, 2), v=two())
    assert fixture.cluster.replicas == 2, "stopped before it has drained"
    if gone:
        await fixture.outcomes()
    fixture.cluster.see()
    pods = fixture.cluster.pods
    idle = {pod.id: Load(NOW + 60, 0.0, 0.0) for pod in pods}
    again = managed(fixture.cluster.workload, pods, marks=fixture.carrier.marks.of(pods))
    await fixture.carrier.tend(again, idle)
    assert fixture.cluster.replicas == left


async def test_who_does_not_lead_writes_nothing() -> None:
    fixture = Fixture(leads=False)
    outcome = (await fixture.outcomes(part(4, 2), v=two()))[0]
    assert outcome.result == "refused"
    assert "another process leads" in (outcome.detail or "")
    assert fixture.cluster.writes == 0


def asleep(follower: Scaler, mode: Mode) -> Managed:
    return managed(deployment(0), [], mode=mode, following=(follower,))


@pytest.mark.parametrize(("follower", "mode"), [(HPA, Mode.HPA), (KEDA, Mode.KEDA)])
@pytest.mark.parametrize(
    ("target", "published", "expected", "count"),
    [
        (1, 1, ("applied", 1, None), 1),
        (3, 3, ("pending", 1, "goes on from 1"), 1),
        (1, 0, ("pending", 0, "it is woken once the gauge says 1 or more"), 0),
        (1, None, ("pending", 0, "it is woken once the gauge says 1 or more"), 0),
    ],
)
async def test_a_wake_from_zero_is_written_once_it_is_published(
    follower: Scaler, mode: Mode, target: int, published: int | None, expected: Any, count: int
) -> None:
    fixture = Fixture(0)
    known = Known(published={} if published is None else {NAME: published})
    outcome = (await fixture.outcomes(part(target), known=known, v=asleep(follower, mode)))[0]
    result, replicas, detail = said(outcome)
    assert (result, replicas) == expected[:2]
    assert (detail or "").endswith(expected[2] or "")
    assert fixture.cluster.replicas == count
    assert fixture.written == []


@pytest.mark.parametrize(("follower", "mode"), [(HPA, Mode.HPA), (KEDA, Mode.KEDA)])
async def test_nothing_is_woken_where_nobody_says_to_act(follower: Scaler, mode: Mode) -> None:
    fixture = Fixture(0)
    found = replace(asleep(follower, mode), orders=VariantOrders(Act.ADVISORY))
    await fixture.outcomes(part(1), known=Known(published={NAME: 1}), v=found)
    assert (fixture.cluster.replicas, fixture.written) == (0, [])


@pytest.mark.parametrize(
    ("replicas", "target", "published", "expected"),
    [
        (2, 4, 4, ("applied", 4)),
        (2, 2, None, ("applied", 2)),
        (2, 4, None, ("pending", 2)),
        (2, 40, 40, ("pending", 4)),
        (6, 12, 12, ("clamped", 10)),
        (2, 0, 0, ("clamped", 1)),
    ],
)
async def test_only_what_a_follower_does_next_counts_as_coming(
    replicas: int, target: int, published: int | None, expected: Any
) -> None:
    fixture = Fixture(replicas)
    pods = [made(f"d-{place}") for place in range(replicas)]
    found = managed(deployment(replicas), pods, mode=Mode.HPA, following=(HPA,), most=50)
    known = Known(published={} if published is None else {NAME: published})
    outcome = (await fixture.outcomes(part(target, replicas), known=known, v=found))[0]
    assert said(outcome)[:2] == expected
    assert fixture.cluster.writes == 0
