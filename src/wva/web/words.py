"""Numbers as the page writes them. Unknown is a dash."""

from wva.fleet.duration import format_duration

_MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EN DASH}"
_SECONDS_WITH_TENTHS = 60
_MOST_WITH_DECIMALS = 100


def number(value: float | None) -> str:
    """A count or a rate, with as many decimals as it needs."""
    if value is None:
        return UNKNOWN
    if value == round(value) or abs(value) >= _MOST_WITH_DECIMALS:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def percent(share: float | None) -> str:
    """A share from 0 to 1; never rounded up to all of it."""
    if share is None:
        return UNKNOWN
    return f"{min(share, 0.999):.1%}" if 0.1 <= share < 1 else f"{share:.0%}"


def seconds(value: float | None) -> str:
    """A latency."""
    if value is None:
        return UNKNOWN
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s" if value < _SECONDS_WITH_TENTHS else f"{value:.0f} s"


def limit(value: float) -> str:
    """A latency that somebody wrote down."""
    return f"{value * 1000:g} ms" if value < 1 else f"{value:g} s"


def dollars(value: float | None) -> str:
    """An amount of money; the minus sign before the currency."""
    if value is None:
        return UNKNOWN
    return f"{_MINUS if value < 0 else ''}${abs(value):,.2f}"


def difference(value: float | None) -> str:
    """An amount of money more or less."""
    return UNKNOWN if value is None else ("+" if value >= 0 else "") + dollars(value)


def watts(value: float | None) -> str:
    """A power."""
    if value is None:
        return UNKNOWN
    return f"{value:.0f} W" if value < 1000 else f"{value / 1000:.2f} kW"


def age(value: float) -> str:
    """How long something lasts, in whole seconds: it changes all the time, and tenths would flicker."""
    return format_duration(float(round(max(0.0, value))))


def replicas(count: int) -> str:
    """A count of replicas."""
    return "1 replica" if count == 1 else f"{count} replicas"
