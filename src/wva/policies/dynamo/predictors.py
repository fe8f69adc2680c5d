"""Forecasts of the next interval's value, in the manner of the planner's ``load/predictors.py``."""

from math import expm1, isfinite, log1p

from wva.policies.dynamo.config import LoadPredictor, PlannerConfig
from wva.policies.dynamo.memory import Forecast

_FIRST_VARIANCE = 1000.0
"""Variance of level and trend before anything was seen."""
_LARGEST_EXPONENT = 700.0
"""What a double still holds the exponential of."""


def observe(forecast: Forecast, value: float, config: PlannerConfig) -> Forecast:
    """The forecast of the next value after this one. Zeros before the first other value are no history."""
    if not isfinite(value):
        value = 0.0
    if value == 0.0 and not forecast.begun:
        return forecast
    if config.load_predictor is LoadPredictor.CONSTANT:
        return Forecast(level=value, begun=True)
    measured = log1p(max(0.0, value)) if config.load_predictor_log1p else value
    if not forecast.begun:
        first = Forecast(measured, 0.0, _FIRST_VARIANCE, 0.0, _FIRST_VARIANCE, begun=True)
        return _advanced(first, config)
    return _advanced(_corrected(forecast, measured, config), config)


def expected(forecast: Forecast, config: PlannerConfig) -> float:
    """The next value; 0 before anything was seen."""
    if config.load_predictor is LoadPredictor.KALMAN and config.load_predictor_log1p:
        return max(0.0, expm1(min(forecast.level, _LARGEST_EXPONENT)))
    return forecast.level


def _corrected(forecast: Forecast, measured: float, config: PlannerConfig) -> Forecast:
    """The state after a measurement of its level, by the gains of a Kalman filter."""
    known = forecast.level_variance + config.kalman_r
    level_gain, trend_gain = forecast.level_variance / known, forecast.covariance / known
    surprise = measured - forecast.level
    return Forecast(
        level=forecast.level + level_gain * surprise,
        trend=forecast.trend + trend_gain * surprise,
        level_variance=(1.0 - level_gain) * forecast.level_variance,
        covariance=(1.0 - level_gain) * forecast.covariance,
        trend_variance=forecast.trend_variance - trend_gain * forecast.covariance,
        begun=True,
    )


def _advanced(forecast: Forecast, config: PlannerConfig) -> Forecast:
    """The state an interval later: the level moves by the trend, and both become less certain."""
    return Forecast(
        level=forecast.level + forecast.trend,
        trend=forecast.trend,
        level_variance=(
            forecast.level_variance + 2.0 * forecast.covariance + forecast.trend_variance + config.kalman_q_level
        ),
        covariance=forecast.covariance + forecast.trend_variance,
        trend_variance=forecast.trend_variance + config.kalman_q_trend,
        begun=True,
    )
