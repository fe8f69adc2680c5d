"""Which replica the gateway sends a request to."""

import pytest

from tests.simulate.fleets import Rig, server, variant

LONG = 3000


def together(count: int, at_s: float = 0.0) -> list[tuple[float, int, int]]:
    """Requests that come in one instant and take half a minute each."""
    return [(at_s, 10, LONG)] * count


def short(routed: list[str | None]) -> str:
    return " ".join(name or "-" for name in routed)


@pytest.mark.parametrize(
    ("slow", "routed"),
    [
        pytest.param(1.0, "fast-1 slow-1 fast-1 slow-1 fast-1 slow-1", id="equal speed: in turn, the first on a tie"),
        pytest.param(2.0, "fast-1 fast-1 slow-1 fast-1 fast-1 slow-1", id="half as fast: a third of the requests"),
        pytest.param(10.0, "fast-1 fast-1 fast-1 fast-1 fast-1 fast-1", id="a tenth as fast: not yet any"),
    ],
)
def test_the_least_loaded_for_its_speed_is_next(slow: float, routed: str) -> None:
    rig = Rig(variant("fast"), variant("slow"), requests=together(6), costs={"fast": 1.0, "slow": slow}, fast=1, slow=1)
    assert short(rig.until(0).routed()) == routed


def test_a_replica_that_has_finished_counts_as_free() -> None:
    # The second replica is done with its short answer when the third request comes, the first is not.
    rig = Rig(requests=[(0, 10, LONG), (0, 10, 5), (1, 10, 5), (2, 10, 5)], v=2)
    assert short(rig.until(3).routed()) == "v-1 v-2 v-2 v-2"


def test_a_replica_whose_client_has_left_counts_as_free() -> None:
    rig = Rig(requests=[(0, 10, 400), (0.5, 10, 400), (1.1, 10, 5)], total_timeout_s=1.0, v=2)
    assert short(rig.until(2).routed()) == "v-1 v-2 v-1"


def test_round_robin_takes_them_in_turn_whatever_their_load() -> None:
    requests = [(0, 10, LONG), (0, 10, 5), (1, 10, 5), (2, 10, 5), (3, 10, 5)]
    rig = Rig(requests=requests, round_robin=True, v=3)
    assert short(rig.until(4).routed()) == "v-1 v-2 v-3 v-1 v-2"


def test_round_robin_goes_on_after_a_replica_that_cannot_take_the_request() -> None:
    servers = {"tiny": server(max_model_len=100), "big": server()}
    requests = [(0, 10, 5), (1, 500, 5), (2, 10, 5), (3, 10, 5), (4, 10, 5)]
    rig = Rig(variant("tiny"), variant("big"), requests=requests, servers=servers, round_robin=True, tiny=2, big=1)
    assert short(rig.until(5).routed()) == "tiny-1 big-1 tiny-1 tiny-2 big-1"


def test_round_robin_takes_in_a_new_replica() -> None:
    rig = Rig(requests=[(float(second), 10, 5) for second in range(20, 26)], round_robin=True, v=2).until(5)
    rig.scale(v=3)
    assert short(rig.until(30).routed()) == "v-1 v-2 v-3 v-1 v-2 v-3"


def test_models_do_not_mix() -> None:
    variants = (variant("a", model="one"), variant("b", model="two"))
    requests = [(0, 10, 5, "two"), (0, 10, 5, "one"), (1, 10, 5, "two"), (2, 10, 5, "two")]
    rig = Rig(*variants, requests=requests, a=2, b=0).until(5)
    assert short(rig.routed()) == "- a-1 - -"
    assert rig.held(1) == 3
    assert rig.held(0) == 0
    rig.scale(b=1)
    rig.until(20)
    assert short(rig.routed()) == "b-1 a-1 b-1 b-1"
    assert rig.first_token_s(0) == 15.01


@pytest.mark.parametrize("hold_above", [None, 1])
def test_a_prompt_goes_to_the_variant_that_can_take_it(hold_above: int | None) -> None:
    servers = {"tiny": server(max_model_len=100), "big": server(max_model_len=1000)}
    requests = [(0, 999, 1), (1, 99, 1), (2, 100, 1)]
    rig = Rig(variant("tiny"), variant("big"), requests=requests, servers=servers, hold_above=hold_above, tiny=1, big=1)
    assert short(rig.until(5).routed()) == "big-1 tiny-1 big-1"
    assert rig.statuses() == ["completed"] * 3


@pytest.mark.parametrize("ready", [0, 1])
@pytest.mark.parametrize(
    ("big", "longest"),
    [
        pytest.param(server(max_model_len=1000), 999, id="one token of an answer fits the context"),
        pytest.param(server(kv_blocks=4), 64, id="the whole prompt fits the KV cache"),
    ],
)
def test_what_no_variant_can_ever_take_is_refused_at_once(ready: int, big: object, longest: int) -> None:
    servers = {"tiny": server(max_model_len=50), "big": big}
    rig = Rig(
        variant("tiny"),
        variant("big"),
        requests=[(1, longest, 1), (2, longest + 1, 1)],
        servers=servers,  # type: ignore[arg-type]
        tiny=1,
        big=ready,
    ).until(2)
    assert rig.statuses() == ["completed" if ready else "active", "too long"]
    assert rig.finish_s(1) == 2.0
    assert rig.held() == (0 if ready else 1)


@pytest.mark.parametrize("hold_above", [None, 1])
def test_a_prompt_waits_for_the_variant_that_can_take_it_and_others_pass(hold_above: int | None) -> None:
    servers = {"tiny": server(max_model_len=100), "big": server(max_model_len=1000)}
    requests = [(0, 500, 1), (1, 10, 1), (1, 500, 1)]
    rig = Rig(variant("tiny"), variant("big"), requests=requests, servers=servers, hold_above=hold_above, tiny=1)
    rig.until(2)
    assert rig.statuses() == ["active", "completed", "active"]
    assert rig.first_token_s(1) == 1.01
    assert rig.held() == 2
    rig.scale(big=1)
    rig.until(20)
    assert short(rig.routed()) == "big-1 tiny-1 big-1"
    assert rig.first_token_s(0) == 12.01


@pytest.mark.parametrize(
    ("full_load_s", "routed"),
    [
        pytest.param(0.0, "tight-1 roomy-1 tight-1 roomy-1", id="by what is in flight alone"),
        # A prompt of 480 tokens is 30 blocks: 30 % of the tight cache, 3 % of the roomy one, of 100 s each.
        pytest.param(100.0, "roomy-1 roomy-1 roomy-1 roomy-1", id="by the fuller of engine and KV cache"),
    ],
)
def test_a_full_cache_makes_a_replica_busy(full_load_s: float, routed: str) -> None:
    servers = {"tight": server(kv_blocks=100), "roomy": server(kv_blocks=1000)}
    requests = [(0.2 * index, 480, LONG) for index in range(4)]
    rig = Rig(
        variant("tight"),
        variant("roomy"),
        requests=requests,
        servers=servers,
        full_load_s=full_load_s,
        tight=1,
        roomy=1,
    )
    assert short(rig.until(1).routed()) == routed


def test_prompts_sent_since_the_last_reading_count_before_they_show_in_the_cache() -> None:
    servers = {"a": server(kv_blocks=1000), "b": server(kv_blocks=1000)}
    requests = [(0.01, 480, LONG), (0.02, 48, LONG), (0.03, 480, LONG), (0.04, 48, LONG)]
    rig = Rig(variant("a"), variant("b"), requests=requests, servers=servers, full_load_s=1e6, a=1, b=1)
    # 30 blocks on a; 3 on b; 30 more make 33 there; 3 more on a make 33 as well.
    assert short(rig.until(0.09).routed()) == "a-1 b-1 b-1 a-1"
