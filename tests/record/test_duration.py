"""Durations in and out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.fleet.errors import UserError
from wva.record.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h10m", 4200),
        ("1h 10m", 4200),
        ("90", 90),
        ("90s", 90),
        ("1.5h", 5400),
        ("2d3h", 183600),
        ("0", 0),
        ("0.5", 0.5),
        ("1H", 3600),
    ],
)
def test_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "10m1h", "-5s", "1h10", "soon", "1e3", "nan"])
def test_what_is_no_duration_is_an_error_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="1h10m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "0.2s"),
        (14.96, "15s"),
        (59.97, "1m"),
        (60, "1m"),
        (4200, "1h10m"),
        (4215.4, "1h10m15s"),
        (86400, "1d"),
        (-90, "-1m30s"),
    ],
)
def test_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, 10**9))
def test_whole_seconds_survive(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
