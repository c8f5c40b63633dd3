"""A prediction in words and in tables for the terminal."""

import polars as pl
from rich.table import Table

from scenarios.from_log.measures import Measure, Part
from scenarios.from_log.month import WEEKDAYS
from scenarios.from_log.predict import Prediction, Variant, of_month

SHARES = {Measure.SERVICE_LEVEL, Measure.AT_ONCE, Measure.ABANDONED}
TOLD = (Measure.SERVICE_LEVEL, Measure.WAIT_S, Measure.ABANDONED)


def fitted_sentences(found: Prediction) -> list[str]:
    """What the month showed about the centre."""
    fit = found.fit
    rule = fit.rule
    head_s = rule.head_start_s
    when = f"since {fit.month.days[rule.since_day]}" if rule.since_day else "all month"
    before = "; before, strictly in order of entry" if rule.since_day else ""
    return [
        f"{len(fit.month.days)} days of {fit.month.name}, {fit.month.calls.height:,} calls for an"
        f" agent of {len(fit.types)} types; {len(fit.agents.names)} agents. Weekdays, types and"
        f" half-hours have their own rates; days differ beyond chance by"
        f" {_percent(fit.arrivals.day_shape**-0.5)}, half-hours by"
        f" {_percent(fit.arrivals.interval_shape**-0.5)}.",
        f"Routing, {when}: first come, first served with a head start of {head_s[1]:.0f} s for"
        f" identified customers and of {head_s[2]:.0f} s for {_percent(rule.has_extra)} of those"
        f" with priority{before}.",
        "After a call agents pause for"
        f" {fit.readiness.pause_s:.0f} s on average if nobody waits, and for"
        f" {fit.presence.time_off.mean_s:.0f} s if somebody does;"
        f" {_percent(fit.readiness.share)} of the agents who seem idle are ready.",
        f"No roster in the log: shifts are first to last call; {_percent(fit.absence_share)} of"
        f" every absence counts, such that {fit.month.name} simulated has its real abandonment.",
    ]


def error_sentences(found: Prediction) -> list[str]:
    """Which parts of the forecast's error are staffing, arrivals and the model."""
    sentences = []
    for measure in TOLD:
        row = {
            variant: _value(found.summary, variant, measure)
            for variant in (Variant.FORECAST, Variant.HEADS, Variant.CALLS)
        }
        real = _real(found.summary, measure)
        unit = " points" if measure in SHARES else " s"
        factor = 100.0 if measure in SHARES else 1.0
        staffing = factor * (row[Variant.FORECAST] - row[Variant.HEADS])
        arrivals = factor * (row[Variant.HEADS] - row[Variant.CALLS])
        model = factor * (row[Variant.CALLS] - real)
        sentences.append(
            f"{measure.capitalize()}: the forecast is off by"
            f" {factor * (row[Variant.FORECAST] - real):+.1f}{unit}: {staffing:+.1f} because heads"
            f" were not those of {found.fit.month.name}, {arrivals:+.1f} because calls were not,"
            f" {model:+.1f} the model's."
        )
    return sentences


def month_table(found: Prediction) -> Table:
    """All measures of the month: a column per variant, with errors, beside what happened."""
    fitted, month = found.fit.month.name, found.month.name
    names = {
        Variant.FORECAST: f"from {fitted}\nonly: forecast",
        Variant.HEADS: f"and {month}'s\nheads",
        Variant.CALLS: f"and {month}'s\ncalls",
    }
    table = Table(title=f"{month} predicted, with errors, and as it was", title_justify="left")
    for name in ("", *names.values(), f"{month}\nas it was"):
        table.add_column(name, justify="right" if name else "left")
    for measure in Measure:
        cells = [_cell(of_month(found.summary, variant), measure) for variant in names]
        table.add_row(str(measure), *cells, _told(measure, _real(found.summary, measure)))
    return table


def again_table(found: Prediction) -> Table:
    """The known month: simulated with its own calls and heads, and as it was."""
    name = found.fit.month.name
    table = Table(title=f"{name}, on which the model was fitted", title_justify="left")
    for head in ("", "simulated again", "as it was"):
        table.add_column(head, justify="right" if head else "left")
    rows = of_month(found.summary, Variant.AGAIN)
    for measure in Measure:
        real = _told(measure, _one(rows, measure, "real"))
        table.add_row(str(measure), _cell(rows, measure), real)
    return table


def part_table(found: Prediction, part: Part) -> Table:
    """By call type or by hour: the forecast, with the truth about heads and calls, and reality."""
    table = Table(
        title=f"By {part}: forecast (with {found.month.name}'s heads and calls) / real",
        title_justify="left",
    )
    table.add_column(str(part))
    shown = (Measure.CALLS, Measure.SERVICE_LEVEL, Measure.WAIT_S, Measure.ABANDONED)
    for measure in shown:
        unit = "" if measure is Measure.CALLS else ", %" if measure in SHARES else ", s"
        table.add_column(f"{measure}{unit}", justify="right")
    rows = found.summary.filter(part=str(part))
    for key in keys_of(rows, part):
        cells = []
        for measure in shown:
            mine = rows.filter(key=key)
            forecast = mine.filter(variant=str(Variant.FORECAST))
            calls = mine.filter(variant=str(Variant.CALLS))
            cells.append(
                f"{_bare(measure, _one(forecast, measure, 'predicted'))}"
                f" ({_bare(measure, _one(calls, measure, 'predicted'))})"
                f" / {_bare(measure, _one(calls, measure, 'real'))}"
            )
        table.add_row(key, *cells)
    return table


def keys_of(rows: pl.DataFrame, part: Part) -> list[str]:
    """Types by calls, hours by the clock; those that really had at least one call a day."""
    real = rows.filter(
        pl.col("variant") == str(Variant.CALLS),
        pl.col("measure") == str(Measure.CALLS),
        pl.col("real") >= 1,
    )
    if part is Part.HOUR:
        return real.sort(pl.col("key").cast(pl.Int64))["key"].to_list()
    return real.sort("real", descending=True)["key"].to_list()


def weekdays_told(found: Prediction) -> str:
    """Days of the predicted month, by weekday."""
    days = found.month.weekday.tolist()
    return ", ".join(f"{days.count(day)} {WEEKDAYS[day]}s" for day in sorted(set(days)))


def _value(summary: pl.DataFrame, variant: Variant, measure: Measure) -> float:
    return _one(of_month(summary, variant), measure, "predicted")


def _real(summary: pl.DataFrame, measure: Measure) -> float:
    return _one(of_month(summary, Variant.CALLS), measure, "real")


def _one(rows: pl.DataFrame, measure: Measure, column: str) -> float:
    """nan where there is nothing."""
    found = rows.filter(measure=str(measure))[column]
    return float("nan") if found.is_empty() or found[0] is None else float(found[0])


def _cell(rows: pl.DataFrame, measure: Measure) -> str:
    """Predicted with its error, and the interval below."""
    told = _told(measure, _one(rows, measure, "predicted"))
    error = _bare(measure, _one(rows, measure, "error"), sign="+")
    low, high = _one(rows, measure, "low"), _one(rows, measure, "high")
    if not high > low:
        return told
    return f"{told} ({error})\n{_bare(measure, max(low, 0.0))} to {_bare(measure, high)}"


def _told(measure: Measure, value: float, sign: str = "") -> str:
    if value != value:  # noqa: PLR0124 - only nan differs from itself
        return "-"
    if measure in SHARES:
        return f"{100 * value:{sign}.1f} %"
    return f"{value:{sign},.0f}" if measure is Measure.CALLS else f"{value:{sign}.1f} s"


def _bare(measure: Measure, value: float, sign: str = "") -> str:
    """Without its unit."""
    return _told(measure, value, sign).rstrip(" %s")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
