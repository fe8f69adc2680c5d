"""What of a policy its owner would tune: parameters with their ranges, and the options that chosen values make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wva.fleet.variant import Variant

Value = float | int | str | bool
Values = Mapping[str, Any]
"""A value for each parameter, by name."""


@dataclass(frozen=True, slots=True)
class Real:
    """A number of a range, both ends included."""

    low: float
    high: float
    default: float
    """What the policy takes when nobody tunes it."""
    log: bool = False
    """Whether factors matter rather than differences."""

    def __post_init__(self) -> None:
        _check(self.low, self.default, self.high)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of a range, both ends included."""

    low: int
    high: int
    default: int
    log: bool = False

    def __post_init__(self) -> None:
        _check(self.low, self.default, self.high)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values without order."""

    values: tuple[Value, ...]
    default: Value

    def __post_init__(self) -> None:
        if self.default not in self.values:
            raise ValueError(f"default {self.default!r} is not one of {self.values}")


Parameter = Real | Whole | Choice


@dataclass(frozen=True, slots=True)
class Space:
    """Every parameter that is worth tuning, by the name that the original gives it."""

    parameters: Mapping[str, Parameter]
    options: Callable[[Values], dict[str, Any]]
    """Makes the policy's options, as ``wva.policies.registry.make`` takes them, from a value for each parameter."""

    def defaults(self) -> dict[str, Value]:
        """The value of each parameter when nobody tunes it."""
        return {name: parameter.default for name, parameter in self.parameters.items()}


SpaceOf = Callable[[Sequence[Variant]], Space]
"""A policy's space for a fleet: an owner may set some parameters apart for each variant."""


def _check(low: float, default: float, high: float) -> None:
    if not low <= default <= high:
        raise ValueError(f"default {default:g} is outside {low:g} to {high:g}")
