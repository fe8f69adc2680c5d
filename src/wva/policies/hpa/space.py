"""What an owner of HPAs tunes: the targets of each variant's own, and how fast counts may move."""

from collections.abc import Sequence
from typing import Any

from wva.fleet.variant import Variant
from wva.policies.hpa.settings import Metric
from wva.policies.space import Real, Space, Values, Whole


def hpa_space(variants: Sequence[Variant]) -> Space:
    """Targets by variant; windows, tolerance and the rate of growth in common."""
    names = [variant.name for variant in variants]
    waiting = {f"{name}.waiting": Real(0.25, 30.0, 3.0, log=True) for name in names}
    kv_usage = {f"{name}.kv_usage": Real(0.05, 0.95, 0.5) for name in names}

    def options(values: Values) -> dict[str, Any]:
        return {
            "variant_metrics": {
                name: [
                    {"metric": Metric.WAITING, "average_value": values[f"{name}.waiting"]},
                    {"metric": Metric.KV_USAGE, "average_value": values[f"{name}.kv_usage"]},
                ]
                for name in names
            },
            "behavior": behavior_options(values),
            "tolerance": values["tolerance"],
        }

    return Space({**waiting, **kv_usage, **BEHAVIOR, "tolerance": Real(0.0, 0.3, 0.1)}, options)


BEHAVIOR = {
    "scaleUp.stabilizationWindowSeconds": Whole(0, 300, 0),
    "scaleUp.pods": Whole(1, 16, 4, log=True),
    "scaleDown.stabilizationWindowSeconds": Whole(0, 1800, 300),
    "scaleDown.percent": Whole(5, 100, 100),
}
"""Parameters of ``spec.behavior`` for whatever acts through an HPA; growth and shrinking are limited in 15 s."""


def behavior_options(values: Values) -> dict[str, Any]:
    """``spec.behavior`` from values of ``BEHAVIOR``; the default of doubling in 15 s always stays allowed."""
    return {
        "scale_up": {
            "stabilization_window_s": values["scaleUp.stabilizationWindowSeconds"],
            "policies": [
                {"type": "Pods", "value": values["scaleUp.pods"], "period_s": 15},
                {"type": "Percent", "value": 100, "period_s": 15},
            ],
        },
        "scale_down": {
            "stabilization_window_s": values["scaleDown.stabilizationWindowSeconds"],
            "policies": [{"type": "Percent", "value": values["scaleDown.percent"], "period_s": 15}],
        },
    }
