"""What an owner of the ScaledObjects tunes: the knobs of the guide's own table."""

from collections.abc import Sequence
from typing import Any

from wva.fleet.variant import Variant
from wva.policies.slo_law.law import Thresholds
from wva.policies.space import Parameter, Real, Space, Values, Whole

_BAND = Thresholds()


def slo_law_space(variants: Sequence[Variant]) -> Space:
    """Bands by variant; the signal and the HPA's behavior in common. Below its upper end a band begins at a share."""
    names = [variant.name for variant in variants]
    upper = {f"{name}.theta_up": Real(0.1, 1.2, _BAND.theta_up, log=True) for name in names}
    lower = {f"{name}.theta_dn/theta_up": Real(0.1, 1.0, _BAND.theta_dn / _BAND.theta_up) for name in names}

    def options(values: Values) -> dict[str, Any]:
        return {
            "variant_thresholds": {name: _thresholds(values, name) for name in names},
            "clamp": values["clamp"],
            "smoothing_window_s": values["smoothing_window_s"],
            "behavior": {
                "scale_up": {
                    "stabilization_window_s": values["scaleUp.stabilizationWindowSeconds"],
                    "policies": [
                        {"type": "Percent", "value": 100, "period_s": 60},
                        {"type": "Pods", "value": values["scaleUp.pods"], "period_s": 60},
                    ],
                },
                "scale_down": {
                    "stabilization_window_s": values["scaleDown.stabilizationWindowSeconds"],
                    "policies": [{"type": "Pods", "value": values["scaleDown.pods"], "period_s": 120}],
                },
            },
        }

    return Space({**upper, **lower, **_IN_COMMON}, options)


_IN_COMMON: dict[str, Parameter] = {
    "clamp": Real(1.25, 5.0, 2.0, log=True),
    "smoothing_window_s": Real(15.0, 180.0, 45.0, log=True),
    "scaleUp.stabilizationWindowSeconds": Whole(0, 180, 30),
    "scaleUp.pods": Whole(1, 16, 4, log=True),
    "scaleDown.stabilizationWindowSeconds": Whole(0, 900, 180),
    "scaleDown.pods": Whole(1, 16, 1, log=True),
}


def _thresholds(values: Values, name: str) -> dict[str, float]:
    upper = values[f"{name}.theta_up"]
    return {"theta_up": upper, "theta_dn": upper * values[f"{name}.theta_dn/theta_up"]}
