import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wva.fleet.duration import exact_duration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        (0, 0.0),
        ("15s", 15.0),
        ("100ms", 0.1),
        ("0.5s", 0.5),
        ("2m", 120.0),
        ("24h", 86400.0),
        ("1h30m", 5400.0),
        ("2d3h", 183600.0),
        ("1m500ms", 60.5),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", [15, 1.5, True, False, None, "", "15", "s", "-1s", "1 s", "5w", "1s2", "infs", "nans", [1]]
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="must be a duration such as 15s"):
        parse_duration(text)


@settings(deadline=None)
@given(st.floats(0, 1e12))
def test_an_exact_duration_reads_back_exactly(seconds: float) -> None:
    assert parse_duration(exact_duration(seconds)) == seconds


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
def test_one_to_read_is_short(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, 10**9))
def test_whole_seconds_survive_reading(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
