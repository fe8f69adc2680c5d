"""Durations as people write them: ``1h10m``, ``90``, ``2d3h``, ``1.5s``."""

import re

from wva.fleet.errors import UserError

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_NUMBER = r"(\d+(?:\.\d*)?)"
_WRITTEN = re.compile("".join(rf"(?:{_NUMBER}{unit})?" for unit in _UNITS))
_SECONDS = re.compile(_NUMBER)


def parse_duration(text: str) -> float:
    """Seconds of a duration in days, hours, minutes and seconds, or of a bare number of seconds.

    Raises ``UserError`` where the text is neither.
    """
    compact = text.strip().replace(" ", "").lower()
    if _SECONDS.fullmatch(compact):
        return float(compact)
    match = _WRITTEN.fullmatch(compact)
    if not compact or match is None:
        raise UserError(f"{text!r} is not a duration; write it as 1h10m, 45s or a number of seconds")
    parts = zip(match.groups(), _UNITS.values(), strict=True)
    return sum(float(amount) * seconds for amount, seconds in parts if amount)


def format_duration(seconds: float) -> str:
    """The duration in the form that ``parse_duration`` reads, to a tenth of a second below a minute, else to a second.

    A negative duration has a minus sign in front.
    """
    sign = "-" if seconds < 0 else ""
    rounded = round(abs(seconds), 1)
    if rounded < 60:
        return f"{sign}{rounded:g}s"
    rest = round(rounded)
    text = ""
    for unit, size in _UNITS.items():
        amount, rest = divmod(rest, size)
        text += f"{amount}{unit}" if amount else ""
    return sign + text
