"""A time of one request as text."""

from wva.fleet.duration import format_duration
from wva.report.summary import seconds


def latency(value: float) -> str:
    """Milliseconds where it is short, minutes where it is long."""
    if value < 0.0995:
        return f"{1000 * value:.0f} ms"
    return seconds(value) if value < 120 else format_duration(value)
