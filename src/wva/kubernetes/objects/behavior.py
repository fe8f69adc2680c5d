"""An HPA's ``behavior`` as the settings of the policy that does the same arithmetic."""

from collections.abc import Mapping
from typing import Any, TypeVar

from wva.policies.hpa.settings import Behavior, RatePolicy, ScaleDownRules, ScaleUpRules, Select, Unit

_SUFFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3}

R = TypeVar("R", ScaleUpRules, ScaleDownRules)


def behavior(body: Mapping[str, Any] | None) -> tuple[Behavior | None, str | None]:
    """The rules; ``None`` where there is no ``behavior``. And why it could not be read, where it could not."""
    if not body:
        return None, None
    try:
        up, down = _rules(body.get("scaleUp"), ScaleUpRules()), _rules(body.get("scaleDown"), ScaleDownRules())
    except (KeyError, TypeError, ValueError) as error:
        return Behavior(), f"behavior cannot be read ({error}); the defaults are assumed"
    return Behavior(up, down), None


def quantity(text: object) -> float:
    """A Kubernetes quantity that is a plain number, as ``0.05`` or ``50m``.

    Raises:
        ValueError: It is none.

    """
    written = str(text)
    factor = _SUFFIXES.get(written[-1:])
    return float(written) if factor is None else float(written[:-1]) * factor


def _rules(body: Mapping[str, Any] | None, default: R) -> R:
    if not body:
        return default
    window, tolerance = body.get("stabilizationWindowSeconds"), body.get("tolerance")
    policies = tuple(
        RatePolicy(Unit(each["type"]), int(each["value"]), float(each["periodSeconds"]))
        for each in body.get("policies") or ()
    )
    return type(default)(
        stabilization_window_s=default.stabilization_window_s if window is None else float(window),
        policies=policies or default.policies,
        select=Select(body.get("selectPolicy") or default.select),
        tolerance=None if tolerance is None else quantity(tolerance),
    )
