"""Durations as people write them: ``15s``, ``110ms``, ``1h30m``."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

PART = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)(ms|s|m|h)")

SECONDS = {"s": 1, "m": 60, "h": 3600}


def parse_duration(value: object) -> float:
    """Seconds of a duration; the unit may be left out of 0 only.

    Raises:
        ValueError: It is no duration, or negative.

    """
    if value == 0 and isinstance(value, int | float) and not isinstance(value, bool):
        return 0.0
    parts = PART.findall(value) if isinstance(value, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise ValueError(f"must be a duration such as 15s (units ms, s, m, h; never negative), not {value!r}")
    return float(sum(float(number) / 1000 if unit == "ms" else float(number) * SECONDS[unit] for number, unit in parts))


def format_duration(seconds: float) -> str:
    """Text that ``parse_duration`` turns back into exactly these seconds."""
    return f"{seconds!r}".removesuffix(".0") + "s"


Duration = Annotated[float, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)]
"""A field in seconds that is written with a unit."""
