import numpy as np
import pytest

from tests.report.results import MODEL, SLOW_MODEL, Row, requests, run
from wva.engine.batch.state import FIRST_TOKEN_TIMEOUT
from wva.report.series import bin_width, series


@pytest.mark.parametrize(
    ("window_s", "width"), [(60, 1), (240, 1), (1000, 5), (3600, 15), (86_400, 600), (1e7, 1e7 / 240)]
)
def test_bins_have_usual_widths(window_s: float, width: float) -> None:
    assert bin_width(window_s) == width


def test_requests_are_binned_by_arrival() -> None:
    rows: list[Row] = [(1.0, 1.5, 2.0, 3), (4.999, 5.5, 6.0, 4), (5.0, 9.0, 9.0, 1)]
    (model,) = series(run(requests(*rows))).models
    assert model.arrivals_per_s[:3].tolist() == [2 / 5, 1 / 5, 0]
    assert model.input_tokens_per_s[:2].tolist() == [40, 20]
    assert model.output_tokens_per_s[0] == 7 / 5
    assert model.missed_per_s[:2].tolist() == [0, 1 / 5]
    assert model.ttft_p50_s[:2].tolist() == [0.5, 4.0]
    assert np.isnan(model.ttft_p50_s[2])


def test_one_that_got_no_token_is_later_than_any() -> None:
    failed = requests((1.0, None, 61.0, 0), status=FIRST_TOKEN_TIMEOUT)
    (model,) = series(run(requests(*[(0.01 * n, 0.01 * n + 1, 2.0, 1) for n in range(60)]), failed)).models
    assert model.ttft_p50_s[0] == pytest.approx(1.0)
    assert model.ttft_p99_s[0] == np.inf


def test_the_last_bin_may_be_short() -> None:
    found = series(run(requests((1002.0, 1003.0, 1003.0, 1)), window_s=1003.0))
    assert found.models[0].arrivals_per_s[-1] == pytest.approx(1 / 3)


def test_models_are_told_apart() -> None:
    first, second = series(
        run(requests((1.0, 6.0, 6.0, 1), model=0), requests((1.0, 6.0, 6.0, 1), model=1), models=(MODEL, SLOW_MODEL))
    ).models
    assert (first.missed_per_s[0], second.missed_per_s[0]) == (1 / 5, 0)
