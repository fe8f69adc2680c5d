"""What an owner of the planners tunes: objectives, loops, forecasts, and whose the traffic is."""

from collections.abc import Sequence
from typing import Any

from wva.fleet.variant import Variant
from wva.policies.dynamo.config import LoadPredictor, OptimizationTarget, PlannerConfig
from wva.policies.space import Choice, Parameter, Real, Space, Values, Whole

_DEFAULT = PlannerConfig()
_OBSERVED = "observed"


def dynamo_space(variants: Sequence[Variant]) -> Space:
    """The shares of the traffic by variant, unless they are to be observed; the rest in common."""
    names = [variant.name for variant in variants]
    share: dict[str, Parameter] = {"share": Choice((_OBSERVED, "configured"), _OBSERVED)}
    shares = {f"{name}.share": Real(0.01, 1.0, 0.5) for name in names}

    def options(values: Values) -> dict[str, Any]:
        chosen = {name: values[name] for name in _IN_COMMON}
        up = chosen["decode_scale_up_kv_rate"]
        chosen["decode_scale_down_kv_rate"] = up * chosen.pop("decode_scale_down_kv_rate/decode_scale_up_kv_rate")
        if values["share"] != _OBSERVED:
            chosen["share"] = {name: values[f"{name}.share"] for name in names}
        return chosen

    return Space({**_IN_COMMON, **share, **shares}, options)


_IN_COMMON: dict[str, Parameter] = {
    "optimization_target": Choice(tuple(OptimizationTarget), _DEFAULT.optimization_target),
    "enable_load_scaling": Choice((True, False), _DEFAULT.enable_load_scaling),
    "ttft_share": Real(0.05, 2.0, _DEFAULT.ttft_share, log=True),
    "itl_share": Real(0.1, 2.0, _DEFAULT.itl_share, log=True),
    "throughput_adjustment_interval_seconds": Real(30.0, 600.0, 180.0, log=True),
    "max_throughput_scaling_replicas": Whole(1, 16, _DEFAULT.max_throughput_scaling_replicas, log=True),
    "load_scaling_down_sensitivity": Real(0.0, 100.0, _DEFAULT.load_scaling_down_sensitivity),
    "decode_scale_up_kv_rate": Real(10.0, 100.0, 100.0),
    "decode_scale_down_kv_rate/decode_scale_up_kv_rate": Real(0.05, 0.95, 0.6),
    "load_predictor": Choice(tuple(LoadPredictor), _DEFAULT.load_predictor),
    "load_predictor_log1p": Choice((False, True), _DEFAULT.load_predictor_log1p),
    "kalman_q_level": Real(0.01, 1000.0, _DEFAULT.kalman_q_level, log=True),
    "kalman_q_trend": Real(0.001, 100.0, _DEFAULT.kalman_q_trend, log=True),
    "kalman_r": Real(0.1, 1000.0, _DEFAULT.kalman_r, log=True),
}
