"""What a change of policy would do, for people and for programs: numbers, moves, worth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from jobs import show
from jobs.rehearsal import Rehearsal
from jobs.settings_text import each_setting
from models.policy import Policy
from models.problem import MILLI
from models.two_decisions import Judged

MOST_SHOWN = 20
"""Moves in a table for people; --json has all."""
ABSENT = "-"
"""Stands for a number that only one of two policies has."""


@dataclass(frozen=True)
class Change:
    """A number that differs between two policies, as text; key as in the settings."""

    key: str
    old: str
    new: str


def changes(before: Policy, after: Policy) -> list[Change]:
    """Every number that differs, sorted by key."""
    old, new = _texts(before), _texts(after)
    both = ((key, old.get(key, ABSENT), new.get(key, ABSENT)) for key in sorted({*old, *new}))
    return [Change(key, first, second) for key, first, second in both if first != second]


def diff_json(changed: Sequence[Change], found: Sequence[Rehearsal]) -> dict[str, object]:
    """The whole comparison as JSON values, amounts in money."""
    return {
        "settings": [vars(change) for change in changed],
        "ticks": [
            {"tick_at": one.tick_at, "is_proven": one.is_proven}
            | _totals([one])
            | {"moves": one.moves.to_dicts()}
            for one in found
        ],
        "total": _totals(found),
    }


def print_diff(changed: Sequence[Change], found: Sequence[Rehearsal]) -> None:
    """The comparison for a manager: what differs, who moves, and a verdict in sentences."""
    if changed:
        rows = [(change.key, change.old, change.new) for change in changed]
        show.print_rows("Settings that differ", ("key", "old", "new"), rows)
    moves = _all_moves(found)
    if not moves.is_empty():
        _print_moves(moves)
    for sentence in verdict(changed, found):
        show.console.print(sentence, highlight=False)


def verdict(changed: Sequence[Change], found: Sequence[Rehearsal]) -> Iterator[str]:
    """What a manager wants to know of a change, sentence by sentence."""
    moves, num_ticks = _all_moves(found), len(found)
    num_decisions = sum(one.num_contacts for one in found)
    if not changed:
        yield "The two policies are the same."
    batches = "1 batch" if num_ticks == 1 else f"{num_ticks:,} batches"
    if moves.is_empty():
        yield f"Nobody would move: of {num_decisions:,} decisions in {batches} none changes."
        return
    yield (
        f"{len(moves):,} of {num_decisions:,} decisions in {batches} would change, for"
        f" {moves['contact_id'].n_unique():,} contacts: {_kinds(moves)}."
    )
    by_new, by_old = [one.by_new for one in found], [one.by_old for one in found]
    yield "By the new policy's numbers " + _worth(by_new)
    yield "By the old policy's numbers " + _worth(by_old)
    barred = moves.filter(pl.col("barred_by").is_not_null())
    if not barred.is_empty():
        by_rule = (
            barred["barred_by"].value_counts().sort("count", "barred_by", descending=[True, False])
        )
        rules = ", ".join(f"{rule} {num:,}" for rule, num in by_rule.iter_rows())
        yield f"Of the old places the new policy does not allow {len(barred):,}: {rules}."
    for judged, place, plans, policy in ((by_new, 0, "old", "new"), (by_old, 1, "new", "old")):
        if num_overfull := sum(one.num_overfull[place] for one in judged):
            yield (
                f"The {plans} plans give more at once than the {policy} policy lets an agent or"
                f" site take, {num_overfull:,} times, so by that policy's numbers they look better"
                " than they can be."
            )
    num_unproven = sum(not one.is_proven for one in found)
    if num_unproven:
        yield (
            f"In {num_unproven:,} batches a plan is not proven to be the best: others might be as"
            " good, with other moves."
        )
    if num_ticks > 1:
        yield (
            "Each batch is decided as it was archived: a contact that waited through several of"
            " them counts in each."
        )


def _kinds(moves: pl.DataFrame) -> str:
    """How many get another agent, one instead of none, and none instead of one."""
    had, gets = pl.col("old_agent_id").is_not_null(), pl.col("new_agent_id").is_not_null()
    kinds = {"to another agent": had & gets, "no longer waiting": ~had, "left waiting": ~gets}
    numbers = moves.select(pl.Expr.sum(is_kind).alias(kind) for kind, is_kind in kinds.items())
    return ", ".join(f"{num:,} {kind}" for kind, num in numbers.row(0, named=True).items())


def _worth(judged: Sequence[Judged]) -> str:
    old, new = (sum(one.gain[place] for one in judged) / MILLI for place in (0, 1))
    more = new - old
    share = f", {more / abs(old):+.1%}" if old else ""
    compared = "more" if more > 0 else "less"
    amount = f"is worth {abs(more):,.2f} {compared}" if more else "is worth the same"
    each = f"; {more / len(judged):+,.2f} a tick" if len(judged) > 1 else ""
    return f"the change {amount} ({new:,.2f} instead of {old:,.2f}{share}{each})."


def _print_moves(moves: pl.DataFrame) -> None:
    title = (
        f"Who would move ({len(moves):,}), and what it is worth by the numbers of both policies"
    )
    if len(moves) > MOST_SHOWN:
        title += f": the {MOST_SHOWN} that move most money"
    shown = moves.head(MOST_SHOWN).select(
        "contact_id",
        "channel",
        pl.col("old_agent_id").fill_null("waits").alias("old"),
        pl.col("new_agent_id").fill_null("waits").alias("new"),
        _amount("worth_by_new").alias("by new"),
        _amount("worth_by_old").alias("by old"),
    )
    show.print_frame(title, shown)


def _amount(column: str) -> pl.Expr:
    """Money with two decimals and a sign."""
    sign = pl.when(pl.col(column) > 0).then(pl.lit("+")).otherwise(pl.lit(""))
    return pl.concat_str(sign, pl.col(column).round(2).cast(pl.Decimal(18, 2)).cast(pl.String))


def _all_moves(found: Sequence[Rehearsal]) -> pl.DataFrame:
    """Moves of all batches with their tick: those that move most money, by the numbers of either
    policy, first; ties by contact.
    """
    moves = pl.concat([one.moves.with_columns(tick_at=pl.lit(one.tick_at)) for one in found])
    amounts = (pl.col(name).abs().fill_null(0.0) for name in ("worth_by_new", "worth_by_old"))
    # As they are shown: what looks the same is a tie.
    moved = pl.max_horizontal(amounts).round(2)
    return moves.sort(moved, "contact_id", "tick_at", descending=[True, False, False])


def _totals(found: Sequence[Rehearsal]) -> dict[str, float | int]:
    totals: dict[str, float | int] = {
        "num_contacts": sum(one.num_contacts for one in found),
        "num_moved": sum(one.num_moved for one in found),
        "old_num_assigned": sum(one.num_assigned[0] for one in found),
        "new_num_assigned": sum(one.num_assigned[1] for one in found),
    }
    judges = {"old": [one.by_old for one in found], "new": [one.by_new for one in found]}
    for judge, judged in judges.items():
        for place, plan in enumerate(("old", "new")):
            name = f"{plan}_plan_by_{judge}"
            totals[f"{name}_gain"] = sum(one.gain[place] for one in judged) / MILLI
            totals[f"{name}_load_cost"] = sum(one.load[place] for one in judged) / MILLI
            totals[f"{name}_num_barred"] = sum(one.num_barred[place] for one in judged)
            totals[f"{name}_num_overfull"] = sum(one.num_overfull[place] for one in judged)
    return totals


def _texts(policy: Policy) -> dict[str, str]:
    """Every number of a policy as text, by its key in the settings."""
    return {setting.key: _text(setting.value) for setting in each_setting(policy)}


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_text(item) for item in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
