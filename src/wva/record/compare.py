"""Finds where two pieces of plain JSON data differ."""

import math
from dataclasses import dataclass
from typing import Any

ABSENT = "absent"
"""Stands for the side that lacks a field or an item."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a recorded value and today's are not the same."""

    field: str
    """Path to it, for example ``plan.variants[0].target``."""
    recorded: Any
    now: Any


def first_difference(recorded: Any, now: Any, path: str) -> Difference | None:
    """The first difference in the order of the recorded data; ``None`` where there is none. NaN equals NaN."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        return _first_in_mapping(recorded, now, path)
    if isinstance(recorded, list) and isinstance(now, list):
        return _first_in_list(recorded, now, path)
    return None if recorded == now or _both_nan(recorded, now) else Difference(path, recorded, now)


def _first_in_mapping(recorded: dict[str, Any], now: dict[str, Any], path: str) -> Difference | None:
    for key in [*recorded, *(key for key in now if key not in recorded)]:
        found = first_difference(recorded.get(key, ABSENT), now.get(key, ABSENT), f"{path}.{key}")
        if found is not None:
            return found
    return None


def _first_in_list(recorded: list[Any], now: list[Any], path: str) -> Difference | None:
    for index in range(max(len(recorded), len(now))):
        left = recorded[index] if index < len(recorded) else ABSENT
        right = now[index] if index < len(now) else ABSENT
        found = first_difference(left, right, f"{path}[{index}]")
        if found is not None:
            return found
    return None


def _both_nan(recorded: Any, now: Any) -> bool:
    return isinstance(recorded, float) and isinstance(now, float) and math.isnan(recorded) and math.isnan(now)
