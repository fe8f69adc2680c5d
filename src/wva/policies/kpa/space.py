"""What an owner of Knative services tunes: each variant's target, the windows, the rates and the panic threshold."""

from collections.abc import Sequence
from typing import Any

from wva.fleet.variant import Variant
from wva.policies.space import Parameter, Real, Space, Values, Whole


def kpa_space(variants: Sequence[Variant]) -> Space:
    """Targets by variant, at Knative's utilization of 70 %; the rest in common."""
    names = [variant.name for variant in variants]
    targets: dict[str, Parameter] = {f"{name}.target": Real(1.0, 400.0, 100.0, log=True) for name in names}
    parameters: dict[str, Parameter] = {
        "stable-window": Whole(15, 1800, 60, log=True),
        "panic-window-percentage": Real(1.0, 100.0, 10.0),
        "panic-threshold-percentage": Real(110.0, 1000.0, 200.0, log=True),
        "max-scale-up-rate": Real(1.1, 1000.0, 1000.0, log=True),
        "max-scale-down-rate": Real(1.1, 10.0, 2.0, log=True),
        "scale-down-delay": Whole(0, 1800, 0),
    }

    def options(values: Values) -> dict[str, Any]:
        return {
            "target": {name: values[f"{name}.target"] for name in names},
            "stable_window_s": values["stable-window"],
            "panic_window_percentage": values["panic-window-percentage"],
            "panic_threshold_percentage": values["panic-threshold-percentage"],
            "max_scale_up_rate": values["max-scale-up-rate"],
            "max_scale_down_rate": values["max-scale-down-rate"],
            "scale_down_delay_s": values["scale-down-delay"],
        }

    return Space({**targets, **parameters}, options)
