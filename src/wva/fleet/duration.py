"""Durations as people write them: ``15s``, ``110ms``, ``1h30m``, ``2d``."""

import re

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)(ms|s|m|h|d)")


def parse_duration(value: object) -> float:
    """Seconds of a duration; the unit may be left out of 0 only.

    Raises:
        ValueError: It is no duration, or negative.

    """
    if value == 0 and isinstance(value, int | float) and not isinstance(value, bool):
        return 0.0
    parts = _PART.findall(value) if isinstance(value, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise ValueError(f"must be a duration such as 15s (units ms, s, m, h, d; never negative), not {value!r}")
    return float(
        sum(float(number) / 1000 if unit == "ms" else float(number) * _SECONDS[unit] for number, unit in parts)
    )


def exact_duration(seconds: float) -> str:
    """Text that ``parse_duration`` turns back into exactly these seconds."""
    return f"{seconds!r}".removesuffix(".0") + "s"


def format_duration(seconds: float) -> str:
    """A duration to read: to a tenth of a second below a minute, else to a second.

    A negative one has a minus sign in front.
    """
    sign = "-" if seconds < 0 else ""
    rounded = round(abs(seconds), 1)
    if rounded < 60:
        return f"{sign}{rounded:g}s"
    rest = round(rounded)
    text = ""
    for unit, size in _SECONDS.items():
        amount, rest = divmod(rest, size)
        text += f"{amount}{unit}" if amount else ""
    return sign + text
