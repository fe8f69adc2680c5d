"""The fleet as it is in the cluster: bounds that hold now, who is asked for metrics, and what is remembered."""

from dataclasses import replace

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.reporting.scene import IDLE, MODEL, VARIANT, custom, one, picture, serving, usual
from wva.decide.memory import Quiet
from wva.fleet.replica import Phase
from wva.kubernetes.orders import ACT, PIN, Act
from wva.kubernetes.ownership import Mode
from wva.kubernetes.picture import Picture, Remembered
from wva.kubernetes.shortage import Patience, Shortage, Shortages

NOW = bodies.NOW_S
NAME = f"team/{MODEL}"
LATELY = Remembered(quiet={NAME: Quiet(NOW - 60.0, NOW, 0.0)})
"""Its model had a request a minute ago; nothing says how long it may be idle, so ten minutes."""


def bounds(found: Picture) -> tuple[int, int]:
    variant = one(found).variant
    assert one(found).observation.variant == variant
    return variant.min_replicas, variant.max_replicas


def short_of(name: str, until: float) -> Remembered:
    return replace(IDLE, shortages=Shortages(open={name: Shortage(NOW, until, 1, "it is used up")}))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (usual(), (0, 100)),
        # Until its model has been idle for long enough one replica stays; a model that is not known is not idle.
        (usual(remembered=LATELY), (1, 100)),
        (usual(remembered=Remembered()), (1, 100)),
        (usual(remembered=Remembered(quiet={NAME: Quiet(NOW - 600.0, NOW, 0.0)})), (0, 100)),
        # One at zero is not woken for it.
        (usual(0, remembered=LATELY), (0, 100)),
        (usual(annotations={PIN: "3"}), (3, 3)),
        (usual(annotations={PIN: "0"}, remembered=LATELY), (0, 0)),
        # What a quota refuses is not asked for, until it is tried again; what is there stays.
        (usual(remembered=short_of(VARIANT, NOW + 60.0)), (0, 2)),
        (usual(0, remembered=short_of(VARIANT, NOW + 60.0)), (0, 1)),
        (usual(remembered=short_of(VARIANT, NOW - 1.0)), (0, 100)),
        (
            picture(custom(), serving(replicas=6), bodies.pod("llama-0"), remembered=short_of(VARIANT, NOW + 60.0)),
            (0, 1),
        ),
        (usual(remembered=short_of("another", NOW + 60.0)), (0, 100)),
    ],
)
def test_the_bounds_that_hold_now(found: Picture, expected: tuple[int, int]) -> None:
    assert bounds(found) == expected


def test_of_two_variants_the_cheapest_that_runs_is_kept_awake() -> None:
    def two(cheap: int) -> dict[str, int]:
        found = picture(
            custom(spec={"variantCost": "5"}),
            serving(replicas=cheap),
            custom("dear", spec={"variantCost": "9"}),
            serving("dear"),
            remembered=LATELY,
        )
        return {name: each.variant.min_replicas for name, each in found.managed.items()}

    assert two(1) == {VARIANT: 1, "team/dear": 0}
    assert two(0) == {VARIANT: 0, "team/dear": 1}


def test_pods_that_serve_are_asked_at_the_servers_port() -> None:
    body = bodies.deployment("llama", pod=bodies.template(f"--model={MODEL}", "--port=8123"))
    starting = bodies.pod("llama-1", ready=False)
    found = picture(custom(), body, bodies.pod("llama-0"), starting, bodies.pod("llama-2", None, ready=False))
    state = found.state()
    assert [(each.instance, each.variant, each.model) for each in state.endpoints] == [("team/llama-0", VARIANT, NAME)]
    assert state.endpoints[0].url.endswith(":8123")
    assert [len(each.replicas) for each in state.variants] == [3]
    assert [model.name for model in state.models] == [NAME]


def test_what_cannot_be_decided_on_is_declared_and_not_managed() -> None:
    found = picture(custom(), custom("lost"), serving())
    assert [each.meta.name for each in found.found] == ["llama", "lost"]
    assert found.managed.keys() == {VARIANT}


def test_a_follower_carries_out_only_where_the_variant_acts() -> None:
    follower = bodies.hpa("llama", "llama", annotations={})
    found = picture(custom(), serving(), follower, bodies.pod("llama-0"))
    # Asked to act directly, it does, and whoever else scales it is in conflict.
    assert one(found).mode is Mode.DIRECT
    assert one(found).follower is None
    assert one(found).conflict.holds


@pytest.mark.parametrize(
    ("annotations", "mode", "followed"),
    [({}, Mode.HPA, True), ({ACT: "gauge"}, Mode.HPA, True), ({ACT: "advisory"}, Mode.ADVISORY, False)],
)
def test_by_default_a_follower_has_the_counts_unless_somebody_says_that_they_are_advice(
    annotations: dict[str, str], mode: Mode, followed: bool
) -> None:
    found = one(picture(custom(annotations=annotations), serving(), bodies.hpa("llama", "llama"), act=Act.ADVISORY))
    assert (found.mode, found.follower is not None) == (mode, followed)
    assert found.observation.traits.owner == ("hpa" if followed else "user")


def test_pods_of_hardware_that_does_not_come_are_not_waited_for() -> None:
    waiting = bodies.pod("llama-1", None, ready=False)
    used_up = Shortages(open={"H100-80GB": Shortage(NOW + 50.0, NOW + 60.0, 1, "since the last one came")})
    for remembered, waited_for in ((IDLE, True), (replace(IDLE, shortages=used_up), False)):
        found = picture(custom(), serving(), bodies.pod("llama-0"), waiting, remembered=remembered)
        ready, pending = one(found).observation.replicas
        assert (ready.phase, pending.phase) == (Phase.READY, Phase.PENDING)
        assert (NOW - pending.since <= Patience().unlearned_s) is waited_for
        assert NOW - ready.since <= Patience().unlearned_s
