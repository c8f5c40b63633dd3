"""The forecast of contacts: coverage of its quantiles, and what it says where little is known."""

import numpy as np
import pytest
from scipy.stats import nbinom

from models.forecast import OVERDISPERSION, Forecast, History, Prior, build_forecast
from models.problem import Floats

NO_BELIEF = Prior(np.zeros(3), 20.0)


def truth(intervals: int = 48) -> Floats:
    """(W, T, K) rates: a morning peak, quiet weekends, and three classes of 40, 8 and 1."""
    profile = np.exp(-(((np.arange(intervals) - 20) / 8.0) ** 2))
    weekday = np.array([1.3, 1.1, 1.0, 1.0, 0.9, 0.4, 0.3])
    rates: Floats = weekday[:, None, None] * profile[None, :, None] * np.array([40.0, 8.0, 1.0])
    return rates


def drawn_day(rate: Floats, rng: np.random.Generator) -> Floats:
    """(T, K) counts of a day of the given rates, with its own factor."""
    factor = rng.gamma(1 / OVERDISPERSION, OVERDISPERSION)
    return rng.poisson(factor * rate).astype(float)


def drawn_history(days: int, rng: np.random.Generator) -> History:
    """Whole days that end yesterday, a Sunday."""
    age = np.arange(days, 0, -1)
    weekday = (0 - age) % 7
    rates = truth()
    counts = np.stack([drawn_day(rates[day], rng) for day in weekday])
    return History(counts, np.ones(counts.shape[:2]), weekday, age.astype(float))


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("weeks", [2, 8])
def test_quantiles_cover_what_comes(probability: float, weeks: int) -> None:
    """Of all cells of new days, the share at or below a quantile is its probability or, since
    counts are whole numbers, lies between it and the share that is below.

    40 histories of 2016 or 8064 cells, and a new day each: the share is known to a few points,
    as the cells of a day share its factor.
    """
    rng = np.random.default_rng(1)
    at_most, below, number = 0, 0, 0
    for _ in range(40):
        forecast = build_forecast(drawn_history(7 * weeks, rng), NO_BELIEF)
        weekday = int(rng.integers(7))
        day = drawn_day(truth()[weekday], rng)
        quantile = forecast.quantile(probability, weekday)
        busy = truth()[weekday] > 1
        at_most += int((day <= quantile)[busy].sum())
        below += int((day < quantile)[busy].sum())
        number += int(busy.sum())
    assert below / number - 0.06 < probability < at_most / number + 0.06


def test_two_weeks_forecast_better_than_the_same_day_of_last_week() -> None:
    """Squared error of the mean, against the count of the same weekday a week ago."""
    rng = np.random.default_rng(2)
    ours, last = 0.0, 0.0
    for _ in range(20):
        history = drawn_history(14, rng)
        mean = build_forecast(history, NO_BELIEF).mean
        for weekday in range(7):
            week_ago = history.counts[7:][history.weekday[7:] == weekday][0]
            ours += float(((mean[weekday] - truth()[weekday]) ** 2).sum())
            last += float(((week_ago - truth()[weekday]) ** 2).sum())
    assert ours < 0.7 * last


def test_a_thin_cell_is_drawn_to_its_neighbours() -> None:
    """One class among many of the same profile, seen once at night: that night hour is forecast
    far below its one contact, and the noon hours that it never came in above 0.
    """
    counts = np.zeros((7, 48, 2))
    counts[:, 20:28, 0] = 30
    counts[3, 2, 1] = 1
    history = History(counts, np.ones((7, 48)), np.arange(7), np.arange(7, 0, -1.0))
    mean = build_forecast(history, Prior(np.zeros(2), 20)).mean
    assert mean[3, 2, 1] < 0.5
    assert mean[3, 24, 1] > mean[3, 12, 1] > 0


def test_without_any_day_it_is_the_prior() -> None:
    """Flat, as many as believed; and none of a class of which nothing is believed."""
    nothing = History(np.zeros((0, 48, 2)), np.zeros((0, 48)), np.zeros(0, np.int64), np.zeros(0))
    forecast = build_forecast(nothing, Prior(np.array([5.0, 0.0]), 20))
    assert forecast.mean[:, :, 0] == pytest.approx(5.0)
    assert forecast.mean[:, :, 1] == pytest.approx(0.0)


def test_the_day_outweighs_the_prior() -> None:
    """Believed 10 an interval, worth 20 contacts; 2 an interval came in 30 intervals.

    The level is (20 + 60) / (2 + 30) = 2.5, near what came, where after 2 intervals it was
    (20 + 4) / (2 + 2) = 6. What is forecast for an interval not yet seen is the level.
    """
    for intervals, level in ((30, 2.5), (2, 6.0)):
        counts, seen = np.zeros((1, 48, 1)), np.zeros((1, 48))
        counts[0, :intervals], seen[0, :intervals] = 2.0, 1.0
        history = History(counts, seen, np.array([0]), np.zeros(1))
        mean = build_forecast(history, Prior(np.array([10.0]), 20)).mean
        assert mean[0, 40, 0] == pytest.approx(level, rel=0.15)


def test_recent_days_weigh_more() -> None:
    """10 an interval until three weeks ago, 20 since: the forecast is nearer to 20."""
    age = np.arange(42, 0, -1.0)
    counts = np.where(age > 21, 10.0, 20.0)[:, None, None] * np.ones((42, 48, 1))
    history = History(counts, np.ones((42, 48)), (-age % 7).astype(np.int64), age)
    mean = build_forecast(history, Prior(np.zeros(1), 20)).mean
    assert 16 < mean.mean() < 18  # weights of the two halves are 1 to 2


def test_what_is_expected_until_a_moment_adds_up() -> None:
    """Half an interval brings half of it; beyond midnight the next day counts."""
    shape = np.ones((7, 48, 1)) * np.arange(1, 8)[:, None, None]
    forecast = Forecast(shape, np.ones_like(shape))
    assert forecast.expected(0, 10.5, 12.0) == pytest.approx([1.5])
    assert forecast.expected(6, 47.0, 49.0) == pytest.approx([7.0 + 1.0])


def test_quantiles_are_those_of_the_negative_binomial() -> None:
    """Of rate 3 known well but for the day's factor: variance 3 + 9 * 0.02, so nearly Poisson,
    whose 0.9 quantile is 5, and 0.5 quantile 3; of 900, mean plus 1.28 * sqrt(900 + 900^2 * 0.02).
    """
    shape = np.array([[[1e9, 1e9]]])
    forecast = Forecast(shape, np.array([[[3.0, 900.0]]]) / shape)
    assert forecast.quantile(0.9, 0)[0, 0] == 5
    assert forecast.quantile(0.5, 0)[0, 0] == 3
    assert forecast.quantile(0.9, 0)[0, 1] == pytest.approx(900 + 1.2816 * 130.8, rel=0.01)


@pytest.mark.parametrize("shape", [0.7, 2.0, 50.0])
@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9, 0.99])
def test_what_is_hardly_known_has_wide_quantiles(shape: float, probability: float) -> None:
    """Of a rate of mean 10 believed as a Gamma of this shape, and a day that varies by a fiftieth:
    SciPy's negative binomial with 1 / n = 1 / shape + 1 / 50.
    """
    one = np.full((1, 1, 1), shape)
    size = 1 / (1 / shape + OVERDISPERSION)
    expected = nbinom.ppf(probability, size, size / (size + 10.0))
    assert Forecast(one, 10.0 / one).quantile(probability, 0) == expected


def test_what_cannot_be_a_history_is_refused() -> None:
    """With what to do."""
    with pytest.raises(ValueError, match="build them from the same days"):
        History(np.zeros((2, 48, 1)), np.zeros((1, 48)), np.zeros(2, np.int64), np.zeros(2))
    with pytest.raises(ValueError, match="correct the history"):
        History(-np.ones((1, 4, 1)), np.ones((1, 4)), np.zeros(1, np.int64), np.zeros(1))
    with pytest.raises(ValueError, match="expected one between 0 and 1"):
        build_forecast(
            History(np.zeros((0, 4, 1)), np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0)),
            Prior(np.ones(1), 20),
        ).quantile(1.0, 0)
