"""Differences are paired, and their intervals are Student's."""

import numpy as np
import polars as pl
import pytest

from scenarios.study.compare import Difference, Kind, Measure, compare, mean_interval
from scenarios.study.spec import Study
from tests.scenarios.study.studies import tiny_study

STUDY = tiny_study(overrides={"spike": {"volume": [{"factor": 2.0}]}})


def runs(value: dict[tuple[str, str], list[float]]) -> pl.DataFrame:
    """Runs with these values by override and policy, one a day."""
    return pl.DataFrame(
        [
            {"override": override, "policy": policy, "day": day, "value": one}
            for (override, policy), days in value.items()
            for day, one in enumerate(days)
        ]
    )


def of_value(study: Study, table: pl.DataFrame, kind: Kind) -> dict[tuple[str, str], Difference]:
    """Differences of value, by override and policy."""
    return {
        (one.override, one.policy): one
        for one in compare(study, table)
        if one.kind is kind and one.measure is Measure.VALUE
    }


def test_an_interval_by_hand() -> None:
    """1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.3027, half-width 4.3027 / sqrt(3) = 2.4841."""
    interval = mean_interval(np.array([1.0, 2.0, 3.0]))
    assert interval.mean == 2.0
    assert interval.half_width == pytest.approx(2.4841, abs=1e-4)
    assert np.isnan(mean_interval(np.array([1.0])).half_width)


def test_days_are_paired() -> None:
    """Days differ by hundreds and the change by 1 to 3: the interval is that of 1, 3, 2."""
    table = runs(
        {("as it is", "skills"): [100.0, 300.0, 200.0], ("spike", "skills"): [101.0, 303.0, 202.0]}
    )
    found = of_value(STUDY, table, Kind.CHANGE)["spike", "skills"]
    assert (found.num_days, found.before, found.after) == (3, 200.0, 202.0)
    assert found.difference.mean == 2.0
    assert found.difference.half_width == pytest.approx(2.4841, abs=1e-4)
    # 1 % on every day: the ratio is known without error, though the difference is not.
    assert found.relative.mean == pytest.approx(0.01)
    assert found.relative.half_width == pytest.approx(0.0, abs=1e-12)
    # t = 2 / (1 / sqrt 3) = 3.464 with 2 degrees: p = 0.0742 (the only one, so uncorrected).
    assert found.p_value == pytest.approx(0.0742, abs=1e-4)
    assert not found.is_clear


def test_the_interval_of_a_ratio_is_that_of_its_residuals() -> None:
    """Before 100, 200, 300, after 1 more each: ratio 0.005; residuals 0.5, 0, -0.5.

    Their deviation is 0.5, so 0.5 / 1 of the half-width of 1, 2, 3: 1.2421 / 200.
    """
    table = runs(
        {("as it is", "skills"): [100.0, 200.0, 300.0], ("spike", "skills"): [101.0, 201.0, 301.0]}
    )
    found = of_value(STUDY, table, Kind.CHANGE)["spike", "skills"]
    assert found.relative.mean == pytest.approx(0.005)
    assert found.relative.half_width == pytest.approx(1.2421 / 200, abs=1e-6)


def test_only_days_that_both_have_are_compared() -> None:
    """A run that failed leaves its day out, for this pair alone."""
    table = runs(
        {
            ("as it is", "skills"): [1.0, 2.0, 3.0],
            ("spike", "skills"): [5.0, 5.0],
            ("spike", "fifo"): [4.0, 4.0, 4.0],
        }
    )
    changes = of_value(STUDY, table, Kind.CHANGE)
    assert set(changes) == {("spike", "skills")}
    assert changes["spike", "skills"].num_days == 2
    policies = of_value(STUDY, table, Kind.POLICY)
    assert set(policies) == {("spike", "fifo")}
    assert policies["spike", "fifo"].difference.mean == -1.0


def test_many_comparisons_are_corrected() -> None:
    """Holm: the smaller of two p-values counts double, the larger at least as much as that.

    1, 2, 3 have p = 0.0742 and 2, 4, 6.1 have t = 4.0333 / (2.0502 / sqrt 3) = 3.407, p = 0.0763:
    corrected both are 0.1484.
    """
    table = runs(
        {
            ("as it is", "skills"): [0.0, 0.0, 0.0],
            ("spike", "skills"): [1.0, 2.0, 3.0],
            ("as it is", "fifo"): [0.0, 0.0, 0.0],
            ("spike", "fifo"): [2.0, 4.0, 6.1],
        }
    )
    changes = of_value(STUDY, table, Kind.CHANGE)
    assert changes["spike", "skills"].p_value == pytest.approx(0.1484, abs=1e-4)
    assert changes["spike", "fifo"].p_value == changes["spike", "skills"].p_value


def test_an_override_may_have_a_baseline_of_its_own() -> None:
    """With `against` it is compared with that one, and with no other."""
    study = tiny_study(
        overrides={"spike": {}, "spike, more agents": {"against": "spike", "tick_s": 1}}
    )
    table = runs(
        {
            ("as it is", "skills"): [1.0, 2.0],
            ("spike", "skills"): [3.0, 4.0],
            ("spike, more agents", "skills"): [7.0, 9.0],
        }
    )
    changes = of_value(study, table, Kind.CHANGE)
    found = {name: (one.against, one.difference.mean) for (name, _), one in changes.items()}
    assert found == {"spike": ("as it is", 2.0), "spike, more agents": ("spike", 4.5)}


def test_a_difference_without_spread_is_certain() -> None:
    """The same change on every day has p-value 0; no change at all has 1."""
    table = runs(
        {
            ("as it is", "skills"): [1.0, 2.0, 3.0],
            ("spike", "skills"): [2.0, 3.0, 4.0],
            ("as it is", "fifo"): [1.0, 2.0, 3.0],
            ("spike", "fifo"): [1.0, 2.0, 3.0],
        }
    )
    changes = of_value(STUDY, table, Kind.CHANGE)
    assert changes["spike", "skills"].is_clear
    assert changes["spike", "fifo"].p_value == 1.0
