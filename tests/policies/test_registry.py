import pytest

from wva.fleet.errors import UserError
from wva.policies.hpa.policy import HpaPolicy
from wva.policies.hpa.settings import Behavior, Metric, PodsMetric, RatePolicy, ScaleDownRules, Unit
from wva.policies.registry import POLICIES, check_variants, make
from wva.policies.static import StaticPolicy


def test_every_policy_goes_by_its_name() -> None:
    assert {name: make(name).name for name in POLICIES} == {name: name for name in POLICIES}


def test_without_options_a_policy_has_its_defaults() -> None:
    assert make("hpa") == make("hpa", {}) == HpaPolicy()
    assert make("static") == StaticPolicy()


def test_options_are_the_fields_as_plain_data() -> None:
    options = {
        "name": "slow",
        "metrics": [{"metric": "vllm:kv_cache_usage_perc", "average_value": 0.05}],
        "behavior": {"scale_down": {"policies": [{"type": "Percent", "value": 10, "period_s": 60}]}},
    }
    slow = ScaleDownRules(policies=(RatePolicy(Unit.PERCENT, 10, 60.0),))
    assert make("hpa", options) == HpaPolicy(
        name="slow", metrics=(PodsMetric(Metric.KV_USAGE, 0.05),), behavior=Behavior(scale_down=slow)
    )
    assert make("hpa", {"behavior": None}) == HpaPolicy(behavior=None)
    assert make("static", {"replicas": {"a": 2}}) == StaticPolicy(replicas={"a": 2})


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("hpq", None, "no policy is called 'hpq': choose one of static, hpa"),
        ("hpa", {"behaviour": {}}, "policy hpa, option behaviour: Unexpected keyword argument"),
        (
            "hpa",
            {"behavior": {"scale_down": {"windows": 3}}},
            "policy hpa, option behavior.scale_down.windows: Unexpected keyword argument",
        ),
        ("hpa", {"metrics": []}, "policy hpa, option values: metrics must have at least one entry"),
        (
            "hpa",
            {"behavior": {"scale_up": {"policies": [{"type": "Pods", "value": 0, "period_s": 15}]}}},
            "policy hpa, option behavior.scale_up.policies.0: value must be above 0, got 0",
        ),
        ("static", {"replicas": {"a": "many"}}, "policy static, option replicas.a: Input should be a valid integer"),
    ],
)
def test_a_mistake_is_one_line(name: str, options: dict[str, object] | None, text: str) -> None:
    with pytest.raises(UserError) as caught:
        make(name, options)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"tolerance": -0.1},
        {"tolerance": float("nan")},
        {"sync_period_s": 0},
        {"metrics": [{"metric": "vllm:num_requests_waiting", "average_value": 0}]},
        {"behavior": {"scale_up": {"stabilization_window_s": 3601}}},
        {"behavior": {"scale_down": {"policies": []}}},
        {"behavior": {"scale_down": {"tolerance": -1}}},
        {"behavior": {"scale_down": {"policies": [{"type": "Pods", "value": 1, "period_s": 1801}]}}},
    ],
)
def test_values_that_kubernetes_refuses_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UserError):
        make("hpa", options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("static", {"replicas": {"h100": 1, "h1000": 1}}),
        ("keda", {"shares": {"h1000": 0.5}}),
        ("dynamo", {"share": {"h1000": 0.5}}),
        ("kpa", {"target": {"h1000": 20.0}}),
    ],
)
def test_an_option_for_a_variant_that_is_not_there_is_refused(name: str, options: dict[str, object]) -> None:
    policy = make(name, options)
    check_variants(policy, ["h100", "h1000"])
    with pytest.raises(UserError) as caught:
        check_variants(policy, ["h100", "a100"])
    assert "there is no variant 'h1000': choose among a100, h100" in str(caught.value)
    assert str(caught.value).startswith(f"policy {name}, option {next(iter(options))}.h1000: ")
