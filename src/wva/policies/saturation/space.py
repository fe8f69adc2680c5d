"""What an owner of the reference autoscaler tunes: its thresholds, and the HPA behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from wva.fleet.variant import Variant
from wva.policies.hpa.space import BEHAVIOR
from wva.policies.space import Parameter, Real, Space, Values, Whole

_KV_AND_QUEUE = {
    "kvCacheThreshold": Real(0.3, 0.95, 0.8),
    "queueLengthThreshold": Real(1.0, 60.0, 5.0, log=True),
}


def percent_space(variants: Sequence[Variant]) -> Space:
    """The percentage analyzer's thresholds, common to all variants as in the original."""
    parameters = {
        **_KV_AND_QUEUE,
        "kvSpareTrigger": Real(0.01, 0.3, 0.1),
        "queueSpareTrigger": Real(0.0, 30.0, 3.0),
        **_follower(window_s=240),
    }

    def options(values: Values) -> dict[str, Any]:
        return {
            "thresholds": {
                "kv_cache_threshold": values["kvCacheThreshold"],
                "queue_length_threshold": values["queueLengthThreshold"],
                "kv_spare_trigger": values["kvSpareTrigger"],
                "queue_spare_trigger": values["queueSpareTrigger"],
            },
            **_follower_options(values, period_s=150),
        }

    return Space(parameters, options)


def tokens_space(variants: Sequence[Variant]) -> Space:
    """The token analyzer's thresholds; the ranges of the two that must not cross do not."""
    parameters = {
        **_KV_AND_QUEUE,
        "scaleUpThreshold": Real(0.71, 1.0, 0.85),
        "scaleDownBoundary": Real(0.2, 0.7, 0.7),
        **_follower(window_s=0),
    }

    def options(values: Values) -> dict[str, Any]:
        return {
            "thresholds": {
                "kv_cache_threshold": values["kvCacheThreshold"],
                "queue_length_threshold": values["queueLengthThreshold"],
                "scale_up_threshold": values["scaleUpThreshold"],
                "scale_down_boundary": values["scaleDownBoundary"],
            },
            **_follower_options(values, period_s=15),
        }

    return Space(parameters, options)


def _follower(window_s: int) -> Mapping[str, Parameter]:
    """Parameters of the HPA behind an analyzer, with that window both ways when nobody tunes it."""
    up, down = "scaleUp.stabilizationWindowSeconds", "scaleDown.stabilizationWindowSeconds"
    pods = Whole(1, 16, 10, log=True)
    return {
        up: replace(BEHAVIOR[up], default=window_s),
        "scaleUp.pods": pods,
        down: replace(BEHAVIOR[down], default=window_s),
        "scaleDown.pods": pods,
        "tolerance": Real(0.0, 0.3, 0.1),
    }


def _follower_options(values: Values, period_s: int) -> dict[str, Any]:
    def rules(direction: str) -> dict[str, Any]:
        pods = {"type": "Pods", "value": values[f"{direction}.pods"], "period_s": period_s}
        window_s = values[f"{direction}.stabilizationWindowSeconds"]
        return {"stabilization_window_s": window_s, "policies": [pods]}

    return {
        "behavior": {"scale_up": rules("scaleUp"), "scale_down": rules("scaleDown")},
        "tolerance": values["tolerance"],
    }
