"""Who writes a count, who must not, and what a follower makes of a published one."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes import bodies
from wva.kubernetes.conditions import Because
from wva.kubernetes.follower import outlook, traits, watched
from wva.kubernetes.objects.scaler import Scaler, Target, horizontal_pod_autoscaler, scaled_object
from wva.kubernetes.objects.workload import workload
from wva.kubernetes.ownership import (
    OWNERS,
    Change,
    Mode,
    Owner,
    Truce,
    change,
    conflict,
    followers,
    follows,
    handed_over,
    mode_of,
    remarks,
    seen,
    to_write,
    wrote,
)
from wva.policies.hpa.memory import Stamp, VariantMemory

TARGET = Target("apps/v1", "Deployment", "team", "d")
NOW = 100_000.0


def hpa(name: str = "v", **spec: Any) -> Scaler:
    return horizontal_pod_autoscaler(bodies.hpa(name, "d", spec=spec))


def keda(name: str = "v", **spec: Any) -> Scaler:
    return scaled_object(bodies.scaled_object(name, "d", spec=spec))


def cpu(name: str = "cpu", **more: Any) -> Scaler:
    return horizontal_pod_autoscaler(bodies.hpa(name, "d", spec={"metrics": [{"type": "Resource"}]}, **more))


def test_every_cell_has_one_owner_and_only_wva_wakes() -> None:
    assert set(OWNERS) == set(product(Mode, Change))
    assert {OWNERS[mode, Change.FROM_ZERO] for mode in (Mode.HPA, Mode.KEDA, Mode.DIRECT)} == {Owner.WVA}
    assert [OWNERS[Mode.ADVISORY, each] for each in Change] == [Owner.USER] * 3


@pytest.mark.parametrize(
    ("current", "target", "kind"),
    [(0, 1, "0 to 1"), (0, 5, "0 to 1"), (1, 5, "1 to N"), (5, 1, "1 to N"), (3, 0, "N to 0"), (0, 0, "1 to N")],
)
def test_kinds_of_change(current: int, target: int, kind: str) -> None:
    assert change(current, target) == kind


@pytest.mark.parametrize(
    ("mode", "current", "target", "published", "written"),
    [
        (Mode.DIRECT, 2, 5, None, 5),
        (Mode.DIRECT, 2, 0, None, 0),
        (Mode.DIRECT, 0, 3, None, 3),
        (Mode.DIRECT, 2, 2, 2, None),
        (Mode.HPA, 2, 5, 5, None),
        (Mode.HPA, 0, 3, 3, 1),
        (Mode.HPA, 0, 3, 0, None),
        (Mode.HPA, 0, 3, None, None),
        (Mode.KEDA, 0, 3, 3, 1),
        (Mode.KEDA, 3, 0, 0, None),
        (Mode.ADVISORY, 0, 3, 3, None),
        (Mode.ADVISORY, 3, 5, 5, None),
    ],
)
def test_what_is_written(mode: Mode, current: int, target: int, published: int | None, written: int | None) -> None:
    assert to_write(mode, current, target, published) == written


def test_followers_are_those_that_read_the_variants_own_gauge() -> None:
    assert follows(hpa(), "v")
    assert not follows(hpa(), "w")
    assert follows(keda(), "v")
    assert not follows(keda(), "w")
    assert not follows(cpu(), "v")
    elsewhere = horizontal_pod_autoscaler(bodies.hpa("v", "other"))
    assert followers([hpa(), elsewhere, cpu(), keda("w")], TARGET, "v") == (hpa(),)


@pytest.mark.parametrize(
    ("direct", "acts", "following", "mode"),
    [
        (False, False, (), Mode.ADVISORY),
        (True, False, (), Mode.ADVISORY),
        (True, True, (), Mode.DIRECT),
        (False, True, (), Mode.ADVISORY),
        (False, True, (hpa(),), Mode.HPA),
        (False, True, (keda(),), Mode.KEDA),
    ],
)
def test_how_a_variant_acts(direct: bool, acts: bool, following: tuple[Scaler, ...], mode: Mode) -> None:
    assert mode_of(direct, acts, following) is mode


@pytest.mark.parametrize(
    ("mode", "scalers", "following", "because"),
    [
        pytest.param(Mode.HPA, (hpa(),), (hpa(),), Because.NO_CONFLICT, id="its follower"),
        pytest.param(Mode.HPA, (hpa(), cpu()), (hpa(),), Because.FOREIGN_SCALER, id="another HPA"),
        pytest.param(Mode.HPA, (hpa(), hpa("w")), (hpa(), hpa("w")), Because.FOREIGN_SCALER, id="two followers"),
        pytest.param(Mode.DIRECT, (hpa(),), (hpa(),), Because.FOREIGN_SCALER, id="a follower of what WVA writes"),
        pytest.param(Mode.ADVISORY, (cpu(),), (), Because.NO_CONFLICT, id="people's own"),
        pytest.param(
            Mode.KEDA,
            (keda(), cpu("keda-hpa-v", ownerReferences=bodies.owned_by("ScaledObject", "v"))),
            (keda(),),
            Because.NO_CONFLICT,
            id="the HPA that KEDA made",
        ),
        pytest.param(
            Mode.KEDA,
            (keda(), cpu("keda-hpa-x", ownerReferences=bodies.owned_by("ScaledObject", "x"))),
            (keda(),),
            Because.FOREIGN_SCALER,
            id="an HPA that another ScaledObject made",
        ),
    ],
)
def test_other_scalers(
    mode: Mode, scalers: tuple[Scaler, ...], following: tuple[Scaler, ...], because: Because
) -> None:
    found = conflict(mode, workload(bodies.deployment("d")), scalers, following, Truce(), NOW)
    assert (found.because, found.holds) == (because, because is not Because.NO_CONFLICT)


def test_a_target_that_belongs_to_a_controller_is_not_written() -> None:
    owned = workload(bodies.deployment("d", ownerReferences=bodies.owned_by("LLMInferenceService", "s")))
    found = conflict(Mode.DIRECT, owned, (), (), Truce(), NOW)
    assert found.because is Because.OWNED
    assert found.message == "Deployment d belongs to LLMInferenceService s, which sets its count"
    assert not conflict(Mode.HPA, owned, (hpa(),), (hpa(),), Truce(), NOW).holds, "the HPA writes, not WVA"


def test_after_somebody_elses_change_nothing_is_written_for_a_while_and_longer_each_time() -> None:
    target = workload(bodies.deployment("d"))
    untouched = seen(Truce(), 7, NOW)
    assert untouched == Truce(), "what WVA never wrote is nobody's change"
    own = wrote(Truce(), 3, 2, NOW - 5)
    assert seen(own, 3, NOW) == own
    assert seen(own, 2, NOW) == own, "the watch has not caught up with the write"
    assert seen(own, 2, NOW + 6).found == 2, "by now it has: somebody took the write back"
    first = seen(own, 8, NOW)
    found = conflict(Mode.DIRECT, target, (), (), first, NOW + 60)
    assert found.because is Because.CHANGED
    assert found.message == "somebody else set the count to 8; nothing is written for another 540 s"
    assert not conflict(Mode.DIRECT, target, (), (), first, NOW + 600).holds
    again = seen(wrote(first, 4, 8, NOW + 600), 8, NOW + 700)
    assert (again.changes, again.until) == (2, NOW + 700 + 1200)
    assert seen(wrote(first, 4, 8, NOW + 600), 8, NOW + 5000).changes == 1, "long after, it is a new matter"


RULES = {
    "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]},
    "scaleDown": {
        "stabilizationWindowSeconds": 120,
        "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
    },
}


def knows(current: int, *recommendations: Stamp, added: tuple[Stamp, ...] = ()) -> VariantMemory:
    return VariantMemory(NOW - 15, current, current, recommendations, added)


def next_step(
    scaler: Scaler, current: int, published: int, known: VariantMemory | None = None
) -> tuple[int, Because, bool | None]:
    found = outlook(scaler, current, current, published, known or knows(current), NOW)
    return found.count, found.limited.because, found.limited.holds


@pytest.mark.parametrize(
    ("current", "published", "count", "because"),
    [
        pytest.param(5, 5, 5, Because.UNLIMITED, id="there"),
        pytest.param(10, 11, 10, Because.WITHIN_TOLERANCE, id="a tenth more"),
        pytest.param(10, 9, 10, Because.WITHIN_TOLERANCE, id="a tenth less"),
        pytest.param(9, 10, 10, Because.UNLIMITED, id="a ninth more"),
        pytest.param(2, 4, 4, Because.UNLIMITED, id="four at once from anything"),
        pytest.param(3, 9, 6, Because.RATE_LIMITED, id="no more than twice as many"),
        pytest.param(8, 12, 10, Because.BOUNDED, id="above the maximum"),
        pytest.param(3, 0, 1, Because.BOUNDED, id="below the minimum"),
        pytest.param(0, 3, 0, Because.BOUNDED, id="off at zero"),
        pytest.param(12, 11, 10, Because.BOUNDED, id="too many, whatever is asked for"),
    ],
)
def test_an_hpa_without_behavior(current: int, published: int, count: int, because: Because) -> None:
    assert next_step(hpa(), current, published) == (count, because, count != published)


def test_rates_and_windows_of_behavior() -> None:
    rules = hpa(behavior=RULES, maxReplicas=50)
    assert next_step(rules, 4, 9) == (6, Because.RATE_LIMITED, True)
    # Two were added half a minute ago, so the minute began with 2: 4 is all there may be.
    assert next_step(rules, 4, 9, knows(4, added=(Stamp(NOW - 30, 2),))) == (4, Because.RATE_LIMITED, True)
    assert next_step(rules, 8, 2, knows(8, Stamp(NOW - 60, 7))) == (7, Because.STABILIZING, True)
    assert next_step(rules, 8, 2, knows(8, Stamp(NOW - 121, 7))) == (4, Because.RATE_LIMITED, True)
    own = hpa(behavior={"scaleUp": {"tolerance": "0"}}, maxReplicas=50)
    assert next_step(own, 20, 21) == (21, Because.UNLIMITED, False)


def test_keda_follows_by_its_threshold_of_one_and_not_while_paused() -> None:
    assert next_step(keda(maxReplicaCount=5), 3, 4) == (4, Because.UNLIMITED, False)
    body = bodies.scaled_object("v", "d", annotations={"autoscaling.keda.sh/paused": "true"})
    assert next_step(scaled_object(body), 3, 4) == (3, Because.BOUNDED, True)


@pytest.mark.parametrize(("count", "known"), [(3, 3), (7, None)])
def test_a_count_that_a_predecessor_may_have_written_is_nobody_elses_change(count: int, known: int | None) -> None:
    left = handed_over(wrote(Truce(), 3, 2, NOW - 60))
    found = seen(left, count, NOW)
    assert (found.written, found.until, found.inherited) == (known, 0.0, False)
    later = seen(found, 9, NOW + 15)
    assert (later.until > NOW) is (known is not None), "from then on it is as ever"


def test_a_predecessors_truce_holds_on() -> None:
    held = seen(wrote(Truce(), 3, 2, NOW - 60), 5, NOW)
    assert seen(handed_over(held), 5, NOW + 1).until == held.until


def test_a_follower_is_watched_from_outside() -> None:
    rules = hpa(behavior=RULES)
    known = watched(None, rules, 4, 6, NOW - 60)
    known = watched(known, rules, 6, 6, NOW - 45)
    known = watched(known, rules, 5, None, NOW)
    recommended = (Stamp(NOW - 60, 6), Stamp(NOW - 45, 6))
    assert known == VariantMemory(NOW, 5, 5, recommended, (Stamp(NOW - 45, 2),), (Stamp(NOW, 1),))


def test_what_a_plan_is_told_of_who_carries_it_out() -> None:
    found = traits(Mode.HPA, hpa(behavior=RULES), 10)
    assert (found.owner, found.foreign_min, found.foreign_max, found.tolerance) == ("hpa", 1, 10, 0.1)
    assert (found.up_per_minute, found.down_per_minute) == (2, 5), "2 pods, and half of 10, a minute"
    assert (found.reaches_zero, found.chooses_victims) == (False, False)
    plain = traits(Mode.HPA, hpa(), 3)
    assert (plain.up_per_minute, plain.down_per_minute) == (12, None), "from 3 to 6 every 15 s"
    frozen = hpa(behavior={"scaleDown": {"selectPolicy": "Disabled"}})
    assert traits(Mode.HPA, frozen, 10).down_per_minute == 0
    assert traits(Mode.KEDA, keda(), 1).reaches_zero
    direct = traits(Mode.DIRECT, None, 1, drains=True)
    assert (direct.owner, direct.chooses_victims, direct.drains, direct.restores) == ("wva", True, True, True)
    assert not traits(Mode.DIRECT, None, 1).drains
    assert traits(Mode.ADVISORY, None, 1).owner == "user"


@given(st.integers(1, 40), st.integers(0, 60), st.sampled_from([None, RULES]), st.integers(0, 5), st.integers(1, 30))
def test_a_follower_never_passes_what_is_published_nor_its_bounds(
    current: int, published: int, rules: dict[str, Any] | None, least: int, more: int
) -> None:
    scaler = hpa(behavior=rules, minReplicas=least, maxReplicas=least + more)
    found = outlook(scaler, current, current, published, knows(current), NOW)
    assert found.limited.holds is (found.count != published)
    if current >= least:
        assert least <= found.count <= max(current, least + more)
    if least <= current <= least + more:
        assert min(current, published, least + more) <= max(found.count, least)
        assert found.count <= max(current, published, least)


@pytest.mark.parametrize(
    ("given", "nothing_is_zero"),
    [({}, True), ({"ignoreNullValues": "true"}, True), ({"ignoreNullValues": "false"}, False)],
)
def test_a_follower_that_takes_nothing_for_0_is_said(given: dict[str, str], nothing_is_zero: bool) -> None:
    query = {"query": 'wva_desired_replicas{variant_name="v"}', "threshold": "1", **given}
    (*said,) = remarks(keda(triggers=[{"type": "prometheus", "metadata": query}]))
    assert [("ignoreNullValues" in line and "ScaledObject v" in line) for line in said] == [True] * nothing_is_zero
    assert remarks(hpa()) == ()
