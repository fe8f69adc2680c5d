"""What an owner of ScaledObjects tunes: the signal, the thresholds of each variant's own, and how fast counts may move.

A share says the same as a threshold: half of the share is twice the threshold. So shares are left alone.
"""

from collections.abc import Sequence
from typing import Any

from wva.fleet.variant import Variant
from wva.policies.hpa.space import BEHAVIOR, behavior_options
from wva.policies.keda.settings import RouterMetric
from wva.policies.space import Choice, Parameter, Real, Space, Values, Whole

_SIGNALS = {"queue": RouterMetric.QUEUE_SIZE, "saturation": RouterMetric.POOL_SATURATION}


def keda_space(variants: Sequence[Variant]) -> Space:
    """Either signal beside running requests, with thresholds by variant; the rest in common."""
    names = [variant.name for variant in variants]
    parameters: dict[str, Parameter] = {"signal": Choice(tuple(_SIGNALS), "queue")}
    for name in names:
        parameters[f"{name}.queue"] = Real(0.1, 50.0, 1.0, log=True)
        parameters[f"{name}.saturation"] = Real(0.02, 2.0, 0.7, log=True)
        parameters[f"{name}.running"] = Real(1.0, 256.0, 16.0, log=True)
    parameters["overshootGuard"] = Choice((False, True), default=False)
    # With one pod in 15 s the guide's doubling is what counts.
    guide = {"scaleUp.stabilizationWindowSeconds": Whole(0, 300, 300), "scaleUp.pods": Whole(1, 16, 1, log=True)}

    def options(values: Values) -> dict[str, Any]:
        signal = values["signal"]
        return {
            "variant_triggers": {
                name: [
                    {"metric": _SIGNALS[signal], "threshold": values[f"{name}.{signal}"]},
                    {"metric": RouterMetric.REQUEST_RUNNING, "threshold": values[f"{name}.running"]},
                ]
                for name in names
            },
            "overshoot_guard": values["overshootGuard"],
            "behavior": behavior_options(values),
        }

    return Space({**parameters, **BEHAVIOR, **guide}, options)
