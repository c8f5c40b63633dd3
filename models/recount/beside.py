"""Section 7 of `docs/model.md`, written a second time: what a plan says beside its assignments."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from models.plan import Finding
from models.recount.bits import unpacked
from models.recount.case import Case, findings
from models.recount.drain import passing
from models.recount.locks import NOT_AT_WORK
from models.recount.members import LIVE_CHANNELS
from models.recount.numbers import (
    SECOND,
    Bools,
    Floats,
    Ints,
    instant,
)
from models.recount.rules import RULES, SUITABLE
from models.tables import Channel

LIVE_AT = tuple(list(Channel).index(Channel(name)) for name in LIVE_CHANNELS)
"""Positions of the live channels."""

NEARLY_S = 1e-3
"""Two ways to reach the same instant may differ by less."""


def times_told(case: Case) -> Iterator[Finding]:
    """Explanations state how far each requirement is relaxed, what comes next, and the breach."""
    c, now = case.conversations, instant(case.batch.now)
    of, never = c.of_member, np.iinfo(np.int64).max
    relaxes = c.asked.relaxes_at[of]
    ahead, breach_s = np.isfinite(c.waits.breach_s), c.waits.breach_s
    breach = np.rint(np.where(ahead, breach_s, 0) * SECOND).astype(np.int64)
    breach_at = np.where(ahead, breach + now, never)[of]
    members = c.members.select(
        "contact_id",
        step_true=pl.Series(c.step[of], dtype=pl.Int64),
        relaxes_at_true=_nullable(relaxes, relaxes < 2**62),
        breach_at_true=_nullable(breach_at, breach_at < never),
        unavoidable_true=pl.Series(_unavoidable(case)[of], dtype=pl.Boolean),
    )
    rows = case.plan.explanations.join(members, on="contact_id")
    wrong = rows.filter(pl.col("step").ne_missing(pl.col("step_true")))["contact_id"]
    yield from findings("step", "contact at another step", wrong)
    for name in ("relaxes_at", "breach_at"):
        at, true = pl.col(name).dt.epoch("us"), pl.col(name + "_true")
        off = at.is_null() != true.is_null()
        off |= ((at - true).abs() > NEARLY_S * SECOND).fill_null(value=False)
        yield from findings(name, "another instant", rows.filter(off)["contact_id"])
    other = pl.col("unavoidable").fill_null(value=False) != pl.col("unavoidable_true")
    yield from findings("unavoidable", "another outlook", rows.filter(other)["contact_id"])


def outlook_true(case: Case) -> Iterator[Finding]:
    """Every queue has one row, which says how it stands."""
    expected, stated = _outlook(case), case.plan.outlook
    lacking = expected.join(stated, on="queue_id", how="anti")["queue_id"]
    yield from findings("outlook_missing", "queue without outlook", lacking)
    strange = stated.join(expected, on="queue_id", how="anti")["queue_id"]
    twice = stated.filter(pl.col("queue_id").is_duplicated())["queue_id"]
    yield from findings("outlook_unknown", "queue unknown or told twice", [*strange, *twice])
    rows = stated.join(expected, on="queue_id", suffix="_true", maintain_order="left")
    for name in expected.columns[1:]:
        said, true = pl.col(name), pl.col(name + "_true")
        if expected.schema[name] == pl.Float64:
            off = (said.is_null() != true.is_null()) | (
                (said - true).abs() > 1e-6 * (1 + true.abs())
            ).fill_null(value=False)
        else:
            off = said.ne_missing(true)
        yield from findings(f"outlook_{name}", "other outlook", rows.filter(off)["queue_id"])
    when = stated.filter(pl.col("tick_at").ne_missing(case.batch.now))["queue_id"]
    yield from findings("outlook_tick_at", "outlook of another tick", when)


def _nullable(at: Ints, known: Bools) -> pl.Series:
    return pl.Series(at).set(pl.Series(~known, dtype=pl.Boolean), None)


def _outlook(case: Case) -> pl.DataFrame:
    """Rows of `outlook` without their tick."""
    c, overflow, queues = case.conversations, case.overflow, case.batch.queues
    size = len(queues)
    past = np.bincount(c.queue[c.waits.left_s <= 0], minlength=size)
    lost = np.bincount(c.queue[_unavoidable(case)], minlength=size)
    manual = np.bincount(c.queue[c.manual_only], minlength=size)
    wait = overflow.predicted_wait_s
    return (
        pl.DataFrame(
            {
                "queue_id": queues["queue_id"],
                "queue": np.arange(size),
                "is_open": pl.Series(overflow.is_open, dtype=pl.Boolean),
                "num_waiting": overflow.num_waiting,
                "num_free": overflow.num_free,
                "effective_agents": overflow.effective_agents,
                "predicted_wait_s": pl.Series(wait, dtype=pl.Float64).fill_nan(None),
                "lends": pl.Series(overflow.lends, dtype=pl.Boolean),
                "num_breaching": past,
                "num_unavoidable": lost,
                "num_manual_only": manual,
            }
        )
        .join(_borrowing(case), on="queue", how="left", maintain_order="left")
        .drop("queue")
    )


def _borrowing(case: Case) -> pl.DataFrame:
    """(queue, borrows_from): names of the queues that help any of its conversations."""
    c = case.conversations
    helped = pl.DataFrame({"queue": c.queue, "helpers": c.helpers}).unique()
    codes = range(len(c.helper_sets))
    sets = pl.DataFrame(
        {"helpers": codes, "to_queue": [list(found) for found in c.helper_sets]},
        schema={"helpers": pl.Int64, "to_queue": pl.List(pl.Int64)},
    ).explode("to_queue")
    lenders = helped.join(sets.drop_nulls(), on="helpers").select("queue", "to_queue").unique()
    names = case.batch.queues["queue_id"].gather(lenders["to_queue"])
    return (
        lenders.with_columns(name=names)
        .sort("queue", "name")
        .group_by("queue", maintain_order=True)
        .agg(borrows_from=pl.col("name").str.join(","))
    )


def _unavoidable(case: Case) -> Bools:
    """(C,) whether nothing can prevent the breach that lies ahead any more."""
    c, kind = case.conversations, case.eligibility.class_of
    given = np.zeros(len(c), dtype=bool)
    given[case.choice.conversation[~case.choice.held]] = True
    breach_s = c.waits.breach_s
    put_off = c.paused | c.manual_only
    waits = np.flatnonzero(~given & ~put_off & np.isfinite(breach_s))
    found = np.zeros(len(c), dtype=bool)
    waits = waits[np.lexsort((breach_s[waits], kind[waits]))]
    classes, row = np.unique(kind[waits], return_inverse=True)
    if not len(classes) or not len(case.agents):
        found[waits] = True
        return found
    # Of the class those no later than each, itself included, and how many can be begun by then.
    same = np.stack([kind[waits], breach_s[waits]], axis=1)
    last = np.append(np.any(same[1:] != same[:-1], axis=1), True)
    rivals = np.arange(len(waits)) - np.searchsorted(kind[waits], kind[waits]) + 1
    end = np.flatnonzero(last)[np.searchsorted(np.flatnonzero(last), np.arange(len(waits)))]
    free_at = _free_at(case, classes)[row]
    before_s = breach_s[waits][:, None] - free_at
    in_time = before_s >= 0
    in_turn = 1 + np.where(in_time, before_s, 0) // c.handle_s[waits][:, None]
    live = np.isin(c.channel[waits], LIVE_AT)[:, None]
    able = np.where(in_time, np.where(live, in_turn, np.inf), 0).sum(axis=1)
    found[waits] = able < rivals[end]
    return found


def _free_at(case: Case, classes: Ints) -> Floats:
    """(classes, A) seconds from now at which a suitable agent can be free; infinite for others."""
    agents, tests = case.agents, case.eligibility.tested.tests[:SUITABLE]
    suitable = unpacked(passing(tests, classes, len(agents)), len(agents))
    kept = tuple(t for t, rule in zip(tests, RULES, strict=False) if rule not in NOT_AT_WORK)
    would_be = unpacked(passing(kept, classes, len(agents)), len(agents))
    promised = np.where(np.isfinite(agents.free_later_s), agents.free_later_s, 0)
    now_or_then = np.where(agents.free_now, 0, promised)
    later = np.where(would_be, agents.starts_in_s, np.inf)
    return np.where(suitable, now_or_then, later)
