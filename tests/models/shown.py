"""What plans and the tables under them show of `docs/model.md`: reasons, terms and cases."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from models.gain import Term
from models.plan import Plan, Reason
from models.recount.case import Recount
from models.recount.hours import PLAIN
from models.recount.numbers import ints
from models.recount.parts import CALLS, FOLLOWER, TALKS, TOGETHER
from models.recount.standing import NOBODY
from models.tables import Channel

TO_BE_SEEN = {
    *(reason.value for reason in Reason),
    *(f"term {term}" for term in Term),
    *(f"tier {tier}" for tier in range(4)),
    "tier that is raised",
    "step",
    "requirement that relaxes",
    "breach that nothing prevents",
    "hopeless promise",
    "failure that is not charged",
    "reservation before a shift",
    "reservation after a break",
    "reservation of who is free",
    "borrowed agent",
    "helping queue",
    "profiles assigned",
    "mix of lanes with profiles",
    "customer met again",
    "preference",
    "requeue",
    "callback by its own clock",
    "put off beside who is served",
    "put off by a closed queue",
    "second call",
    "split",
    "follower that waits",
    "follower that is served",
    "apart",
}
"""Every reason can occur, every term may count, and everything may leave its conversation."""


def shown(plan: Plan, tables: Recount) -> Iterator[str]:
    """What of TO_BE_SEEN is there, some of it several times."""
    told = plan.explanations
    yield from told["reason"].unique()
    for term in Term:
        if (told[term].fill_null(0.0) != 0).any():
            yield f"term {term}"
    for tier in told["tier"].drop_nulls().unique():
        yield f"tier {tier}"
    yield from _told(plan)
    yield from _recounted(plan, tables)
    yield from _left(plan, tables)


def _told(plan: Plan) -> Iterator[str]:
    told = plan.explanations
    yield from _there(
        {
            "tier that is raised": any(plan.tier_levels),
            "step": (told["step"] > 0).any(),
            "requirement that relaxes": told["relaxes_at"].is_not_null().any(),
            "breach that nothing prevents": told["unavoidable"].any(),
            "borrowed agent": plan.assignments["is_borrowed"].any(),
            "helping queue": plan.outlook["borrows_from"].is_not_null().any(),
            "profiles assigned": plan.assignments["profiles"].is_not_null().any(),
            "customer met again": plan.assignments["seen_before"].any(),
            "preference": plan.preference_cost_milli > 0,
            "requeue": len(plan.requeue) > 0,
        }
    )


def _recounted(plan: Plan, tables: Recount) -> Iterator[str]:
    c, agents, worth = tables.conversations, tables.agents, tables.worth
    preferred = np.unique(tables.eligibility.reserved_for)
    preferred = preferred[preferred != NOBODY]
    starts_later = tables.batch.agents["shift_start_at"].to_numpy() > np.datetime64(
        tables.batch.now.replace(tzinfo=None)
    )
    named = np.array([name != "" for name in c.lanes.profiles])
    leads = c.members.filter("is_lead")["contact_id"]
    given = leads.is_in(plan.assignments["contact_id"].implode()).to_numpy()
    yield from _there(
        {
            "hopeless promise": (c.waits.scale_s > c.waits.target_s).any(),
            "failure that is not charged": (given & (worth.charged < worth.failed)).any(),
            "reservation before a shift": starts_later[preferred].any(),
            "reservation after a break": (~agents.on_shift & ~starts_later)[preferred].any(),
            "reservation of who is free": agents.free_now[preferred].any(),
            "mix of lanes with profiles": any(
                mixes is not None and mixes[:, named].any() for mixes in tables.room.vectors
            ),
        }
    )


def _left(plan: Plan, tables: Recount) -> Iterator[str]:
    """What left its conversation, and what became of the others."""
    members = tables.conversations.members
    own = tables.overflow.is_open[ints(members["queue"])]
    members = members.with_columns(is_open=pl.Series(own, dtype=pl.Boolean))
    part, talks = pl.col("part"), pl.col("channel").is_in(TALKS)
    alone = ~part.is_in((TOGETHER, CALLS, FOLLOWER))
    put_off = pl.col("paused") | pl.col("manual_only") | ~pl.col("reachable")
    free = alone & ~put_off & pl.col("is_open")
    given = pl.col("contact_id").is_in(plan.assignments["contact_id"].implode())
    by_zone = (pl.col("channel") == Channel.CALLBACK) & pl.col("zone").is_not_null()
    kinds = {
        "callback by its own clock": by_zone & (pl.col("timed_by") != PLAIN),
        "put off beside who is served": put_off & given.any().over("party"),
        "put off by a closed queue": alone
        & ~put_off
        & ~pl.col("is_open")
        & given.any().over("party"),
        "second call": free & talks & (talks & ~alone).any().over("party"),
        "split": part == CALLS,
        "follower that waits": pl.col("must_follow"),
        "follower that is served": (part == FOLLOWER) & given,
        "apart": free & ~talks & given,
    }
    found = members.select(where.any().alias(kind) for kind, where in kinds.items())
    yield from _there(found.row(0, named=True))


def _there(kinds: dict[str, object]) -> Iterator[str]:
    return (kind for kind, is_there in kinds.items() if is_there)
