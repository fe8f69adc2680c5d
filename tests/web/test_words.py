import pytest

from wva.web import words


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (words.number(None), "\N{EN DASH}"),
        (words.number(0.0), "0"),
        (words.number(0.256), "0.26"),
        (words.number(4.25), "4.2"),
        (words.number(1234.5), "1,234"),
        (words.percent(None), "\N{EN DASH}"),
        (words.percent(0.0), "0%"),
        (words.percent(0.9996), "99.9%"),
        (words.percent(1.0), "100%"),
        (words.seconds(0.4204), "420 ms"),
        (words.seconds(3.256), "3.26 s"),
        (words.seconds(83.0), "83 s"),
        (words.limit(0.1), "100 ms"),
        (words.limit(2.0), "2 s"),
        (words.dollars(1234.5), "$1,234.50"),
        (words.dollars(-0.08), "\N{MINUS SIGN}$0.08"),
        (words.difference(0.5), "+$0.50"),
        (words.difference(-0.5), "\N{MINUS SIGN}$0.50"),
        (words.watts(216.4), "216 W"),
        (words.watts(3410.0), "3.41 kW"),
        (words.age(-0.3), "0s"),
        (words.age(130.4), "2m10s"),
    ],
)
def test_a_number_is_written_as_people_read_it(written: str, expected: str) -> None:
    assert written == expected
