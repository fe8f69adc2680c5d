import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wva.scenario.duration import format_duration, parse_duration


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
        ("1m500ms", 60.5),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", [15, 1.5, True, False, None, "", "15", "s", "-1s", "1 s", "5d", "1s2", "infs", "nans", [1]]
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="must be a duration such as 15s"):
        parse_duration(text)


@settings(deadline=None)
@given(st.floats(0, 1e12))
def test_a_written_duration_reads_back_exactly(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
