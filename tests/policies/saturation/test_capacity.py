"""What one instance takes and what is asked of it, worked by hand."""

import pytest

from tests.policies.saturation.builders import reading, variant
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.policies.saturation.capacity import (
    InstanceCapacity,
    Knowledge,
    Source,
    TokenThresholds,
    answer_length,
    derived_tokens,
    waiting_tokens,
)
from wva.policies.saturation.memory import Learned
from wva.policies.saturation.readings import Reading

DEFAULTS = TokenThresholds()
H100 = variant()


def test_memory_bounds_what_nothing_else_does() -> None:
    # No answer ended yet, so that nothing follows from the arguments: 0.8 x 100,001, cut off.
    shown = Knowledge(Learned()).instance(H100, reading(0.5, capacity=100_001), DEFAULTS)
    assert shown == InstanceCapacity(80_000, Source.FALLBACK, 50_001)


def test_a_full_queue_makes_the_tokens_in_use_the_room() -> None:
    knowledge = Knowledge(Learned())
    shown = knowledge.instance(H100, reading(0.3, 5, tokens=(100, 300)), DEFAULTS)
    # 5 requests of 100 + 300 tokens wait for more than the 30,000 in use.
    assert shown == InstanceCapacity(30_000, Source.OBSERVED, 32_000)
    # The lesser of the two bounds.
    assert knowledge.instance(H100, reading(0.9, 5, tokens=(100, 300)), DEFAULTS).effective == 80_000
    assert knowledge.learned([H100]).observed == {"H100-80GB|1|medium": (30_000, 90_000)}


@pytest.mark.parametrize("shown", [reading(0.3, 4), reading(0.0, 5)])
def test_a_shorter_queue_or_an_empty_cache_is_no_observation(shown: Reading) -> None:
    knowledge = Knowledge(Learned())
    assert knowledge.instance(H100, shown, DEFAULTS).source is Source.FALLBACK
    assert knowledge.learned([H100]).observed == {}


def test_a_fraction_of_a_threshold_is_cut_off() -> None:
    thresholds = TokenThresholds(queue_length_threshold=4.9)
    assert Knowledge(Learned()).instance(H100, reading(0.3, 4), thresholds).source is Source.OBSERVED


def test_later_the_mean_of_what_was_observed_is_the_room() -> None:
    knowledge = Knowledge(Learned({"H100-80GB|1|short": (10_000, 20_001)}))
    shown = knowledge.instance(H100, reading(0.3, 4), DEFAULTS)
    assert (shown.effective, shown.source) == (15_000, Source.HISTORICAL)
    # Answers of another length are another matter.
    assert knowledge.instance(H100, reading(0.3, tokens=(10, 100)), DEFAULTS).source is Source.DERIVED


@pytest.mark.parametrize(
    ("other", "shares"),
    [
        (variant("b", cost=9.0), True),
        (variant("b", engine=EngineArguments(max_num_seqs=8)), True),  # though it can hold far less
        (variant("b", gpus=2), False),
        (variant("b", accelerator="A100-80GB"), False),
    ],
)
def test_variants_of_the_same_hardware_share_what_was_observed(other: Variant, shares: bool) -> None:
    knowledge = Knowledge(Learned())
    knowledge.instance(H100, reading(0.01, 5), DEFAULTS)
    shown = knowledge.instance(other, reading(0.5), DEFAULTS)
    assert (shown.effective, shown.source) == ((1_000, Source.HISTORICAL) if shares else (80_000, Source.FALLBACK))


def test_ten_observations_are_kept() -> None:
    knowledge = Knowledge(Learned())
    for percent in range(1, 13):
        knowledge.instance(H100, reading(percent / 100, 5), DEFAULTS)
    # 3,000 to 12,000: the mean is 7,500, and the two first ones are forgotten.
    assert knowledge.instance(H100, reading(0.5), DEFAULTS).effective == 7_500
    (kept,) = knowledge.learned([H100]).observed.values()
    assert kept == tuple(range(3_000, 13_000, 1_000))


@pytest.mark.parametrize(
    ("tokens", "length"), [(0, "short"), (99.9, "short"), (100, "medium"), (499.9, "medium"), (500, "long")]
)
def test_lengths_of_answers(tokens: float, length: str) -> None:
    assert answer_length(tokens) == length


@pytest.mark.parametrize(
    ("engine", "tokens", "derived"),
    [
        # 8192 x 250 / 1250 = 1638 requests are more than 256, each with 1000 + 125 tokens.
        (EngineArguments(), (1000, 250), 288_000),
        (EngineArguments(max_num_seqs=64), (1000, 250), 72_000),
        # 2048 x 100 / 3100 = 66.06 requests x 3050 = 201,496.77
        (EngineArguments(max_num_batched_tokens=2048), (3000, 100), 201_496),
        (EngineArguments(), (0, 10), 1_280),  # 256 x 5
        (EngineArguments(), (1000, 0), 0),
    ],
)
def test_room_from_arguments(engine: EngineArguments, tokens: tuple[float, float], derived: int) -> None:
    assert derived_tokens(engine, *tokens) == derived


def test_arguments_count_when_nothing_was_observed() -> None:
    shown = Knowledge(Learned()).instance(H100, reading(0.5, capacity=400_000, tokens=(1000, 250)), DEFAULTS)
    assert (shown.effective, shown.source) == (288_000, Source.DERIVED)  # below 320,000


@pytest.mark.parametrize(
    ("waiting", "tokens", "role", "demand"),
    [
        (0, (100, 50), Role.BOTH, 0),
        (3, (100, 50), Role.BOTH, 450),
        (3, (100, 50), Role.DECODE, 450),
        (3, (100, 50), Role.PREFILL, 300),
        (3, (100.9, 0), Role.BOTH, 302),  # 302.7: cut off once, after multiplying
        (3, (0, 0), Role.BOTH, 0),
        (2, (2.0**62, 0), Role.BOTH, 0),  # does not fit
        (2, (1e308, 1e308), Role.BOTH, 0),
    ],
)
def test_what_waits(waiting: int, tokens: tuple[float, float], role: Role, demand: int) -> None:
    assert waiting_tokens(reading(0.5, waiting, tokens=tokens), role) == demand


def test_an_instance_of_unknown_size_is_measured_by_what_is_remembered() -> None:
    knowledge = Knowledge(Learned())
    unknown = reading(0.5, 1, capacity=0, tokens=(100, 300))
    # 0.8 x the 8192 tokens of a step, and half of that in use, beside a request of 400.
    assert knowledge.instance(H100, unknown, DEFAULTS) == InstanceCapacity(6_553, Source.FALLBACK, 3_276 + 400)
    knowledge.instance(H100, reading(0.5), DEFAULTS)
    assert knowledge.instance(H100, unknown, DEFAULTS) == InstanceCapacity(64_000, Source.FALLBACK, 32_000 + 400)


def test_a_variant_without_replicas_takes_what_it_was_last_seen_to_take() -> None:
    knowledge = Knowledge(Learned())
    knowledge.instance(H100, reading(0.5), DEFAULTS)
    assert knowledge.without_replicas(H100, 1000, 250) == 80_000


@pytest.mark.parametrize(
    ("other", "room"),
    [
        # The arguments of 8192 and 256 give 288,000, which another variant that is alike bounds.
        (variant("b"), 80_000),
        (variant("b", engine=EngineArguments(max_num_seqs=8)), 80_000),
        (variant("b", gpus=2), 288_000),
        (variant("b", accelerator="A100-80GB"), 288_000),
        (variant("b", engine=EngineArguments(max_num_batched_tokens=2048)), 288_000),
    ],
)
def test_a_variant_never_seen_takes_what_its_arguments_give(other: Variant, room: int) -> None:
    knowledge = Knowledge(Learned())
    knowledge.instance(other, reading(0.5), DEFAULTS)
    assert knowledge.without_replicas(H100, 1000, 250) == room
    assert knowledge.without_replicas(H100, 1000, 0) == 8192  # tokens of a step, as no answer has ended yet


def test_what_is_gone_is_forgotten() -> None:
    knowledge = Knowledge(Learned())
    a100 = variant("b", accelerator="A100-80GB")
    for known in (H100, a100):
        knowledge.instance(known, reading(0.5, 5), DEFAULTS)
    left = knowledge.learned([a100])
    assert (list(left.observed), list(left.records)) == (["A100-80GB|1|short"], ["b"])


@pytest.mark.parametrize(
    "options",
    [
        {"kv_cache_threshold": 0},
        {"queue_length_threshold": 0},
        {"scale_up_threshold": 0.7},
        {"scale_up_threshold": 1.1},
        {"scale_down_boundary": 0},
        {"scale_down_boundary": float("nan")},
    ],
)
def test_thresholds_that_the_reference_refuses_or_replaces(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        TokenThresholds(**options)
