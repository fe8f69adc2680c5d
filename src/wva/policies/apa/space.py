"""What an owner of PodAutoscalers tunes: the metric, each variant's target of it, tolerances, rates and windows."""

from collections.abc import Sequence
from typing import Any

from wva.fleet.variant import Variant
from wva.policies.hpa.settings import Metric
from wva.policies.space import Choice, Parameter, Real, Space, Values, Whole

_TARGETS = {
    "kv_cache_usage_perc": (Metric.KV_USAGE, Real(0.05, 0.95, 0.5)),
    "num_requests_running": (Metric.RUNNING, Real(1.0, 256.0, 32.0, log=True)),
    "num_requests_waiting": (Metric.WAITING, Real(0.25, 100.0, 5.0, log=True)),
}


def apa_space(variants: Sequence[Variant]) -> Space:
    """One metric for all, with targets by variant; the rest in common."""
    names = [variant.name for variant in variants]
    parameters: dict[str, Parameter] = {
        "targetMetric": Choice(tuple(_TARGETS), "kv_cache_usage_perc"),
        **{f"{name}.{metric}": target for name in names for metric, (_, target) in _TARGETS.items()},
        "up-fluctuation-tolerance": Real(0.0, 0.5, 0.1),
        "down-fluctuation-tolerance": Real(0.0, 0.8, 0.1),
        "max-scale-up-rate": Real(1.1, 8.0, 2.0, log=True),
        "max-scale-down-rate": Real(1.1, 8.0, 2.0, log=True),
        "observeWindowSeconds": Whole(15, 900, 180, log=True),
        "scale-up-cooldown-window": Whole(0, 600, 0),
        "scale-down-cooldown-window": Whole(0, 1800, 300),
        "cooldownHolds": Choice((False, True), default=False),
    }

    def options(values: Values) -> dict[str, Any]:
        name_of_metric = values["targetMetric"]
        metric, _ = _TARGETS[name_of_metric]
        return {
            "variant_metrics_sources": {
                name: [{"target_metric": metric, "target_value": values[f"{name}.{name_of_metric}"]}] for name in names
            },
            "up_fluctuation_tolerance": values["up-fluctuation-tolerance"],
            "down_fluctuation_tolerance": values["down-fluctuation-tolerance"],
            "max_scale_up_rate": values["max-scale-up-rate"],
            "max_scale_down_rate": values["max-scale-down-rate"],
            "observe_window_s": values["observeWindowSeconds"],
            "scale_up_cooldown_window_s": values["scale-up-cooldown-window"],
            "scale_down_cooldown_window_s": values["scale-down-cooldown-window"],
            "cooldown_holds": values["cooldownHolds"],
        }

    return Space(parameters, options)
