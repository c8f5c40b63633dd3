"""Section 6 of `docs/model.md`, written a second time: all eligible pairs at the plan's prices."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.plan import Plan
from models.policy import Policy
from models.recount.agents import Agents
from models.recount.conversations import Conversations
from models.recount.gain import MILLI, Worth, rounded_down_if_in_doubt
from models.recount.numbers import Bools, Floats, Ints, ints, positions
from models.recount.pairs import Eligibility, pair_blocks
from models.recount.room import Room

NEVER = -(2**60)
"""Thousandths: below any gain, far from overflow."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What all eligible pairs of each conversation amount to, (C,), thousandths."""

    num_eligible: Ints
    best_gain: Ints
    """Money alone; NEVER where nobody is eligible."""
    rent: Ints
    """Best raised gain less prices, at least 0."""


@dataclass(frozen=True, eq=False)
class Quoted:
    """The prices of the plan in thousandths, 0 where it states none."""

    lane: Ints
    """(A, L)"""
    agent: Ints
    """(A,)"""
    site: pl.DataFrame
    """(site, milli)"""
    agent_site: Ints
    """(A,) price of the agent's site"""
    listed: Bools
    """(A, L) lanes that the plan states a price of"""

    def bound(self, policy: Policy, room: Room, survey: Survey) -> int | None:
        """What these prices prove, thousandths; None where a negative one proves nothing."""
        site = ints(self.site["milli"])
        if min(int(p.min(initial=0)) for p in (self.lane, self.agent, site)) < 0:
            return None
        caps = [policy.site_caps.get(name, 0) for name in self.site["site"]]
        most = int(room.agent_cap.max(initial=0))
        nth = np.arange(most)
        surplus = np.maximum(self.agent[:, None] - _step_cost(policy, nth), 0)
        counted = nth < room.agent_cap[:, None]
        return int(
            survey.rent.sum()
            + (room.lane_cap * self.lane).sum()
            + np.where(counted, surplus, 0).sum()
            + (np.array(caps, dtype=np.int64) * site).sum()
        )


def load_costs(policy: Policy, count: Ints) -> Ints:
    """(A,) cost of `count` new conversations at each agent, thousandths."""
    costs = _step_cost(policy, np.arange(int(count.max(initial=0))))
    return np.append(0, np.cumsum(costs))[count]


def lanes_of_prices(plan: Plan, conversations: Conversations) -> pl.DataFrame:
    """The rows of `price` with `lane`, null where no such lane exists."""
    lanes = pl.DataFrame(
        {
            "lane": range(len(conversations.lanes.channel)),
            "at": conversations.lanes.channel,
            "named": pl.Series(conversations.lanes.profiles, dtype=pl.String),
        },
        schema_overrides={"lane": pl.Int64, "at": pl.Int64},
    )
    return plan.prices.with_columns(
        at=pl.Series(positions(plan.prices["channel"])), named=pl.col("profiles").fill_null("")
    ).join(lanes, on=["at", "named"], how="left", maintain_order="left")


def read_prices(plan: Plan, agents: Agents, conversations: Conversations) -> Quoted:
    """The plan's prices by agent and lane; rows about unknown agents or lanes are left out."""
    rows = (
        lanes_of_prices(plan, conversations)
        .filter(pl.col("lane").is_not_null())
        .join(agents.ids.select("agent_id", "agent"), on="agent_id")
    )
    agent, at = ints(rows["agent"]), ints(rows["lane"])
    lane = np.zeros((len(agents), len(conversations.lanes.channel)), dtype=np.int64)
    lane[agent, at] = _stated(rows["lane_price"])
    listed = np.zeros(lane.shape, dtype=bool)
    listed[agent, at] = True
    of_agent = np.zeros(len(agents), dtype=np.int64)
    of_agent[agent] = _stated(rows["agent_price"])
    site = plan.site_prices.select("site", milli=pl.Series(_stated(plan.site_prices["price"])))
    site = site.unique("site", keep="first", maintain_order=True)
    of_site = agents.ids.join(site, on="site", how="left", maintain_order="left")["milli"]
    return Quoted(lane, of_agent, site, ints(of_site.fill_null(0)), listed)


def build_survey(
    conversations: Conversations,
    eligibility: Eligibility,
    worth: Worth,
    prices: Quoted,
    raised: Ints,
) -> Survey:
    """Best gain and rent of every conversation over all its eligible pairs; `raised` (C,) is
    what its tier adds to the gains.
    """
    path = prices.lane + (prices.agent + prices.agent_site)[:, None]
    class_lane = np.zeros(len(eligibility.num_ready), dtype=np.int64)
    class_lane[eligibility.class_of] = conversations.lane
    price = path[eligibility.ready_agent, class_lane[eligibility.ready_class]]
    survey = Survey(
        num_eligible=np.zeros(len(conversations), dtype=np.int64),
        best_gain=np.full(len(conversations), NEVER),
        rent=np.zeros(len(conversations), dtype=np.int64),
    )
    for block in pair_blocks(eligibility):
        barred = eligibility.barred(block.conversation, block.agent)
        gain = rounded_down_if_in_doubt(worth.gain(block.conversation, block.agent, block.entry))
        gain[barred] = NEVER
        left = gain - price[block.entry]
        some = block.filled
        survey.num_eligible[some] = np.add.reduceat(~barred, block.start, dtype=np.int64)
        survey.best_gain[some] = np.maximum.reduceat(gain, block.start)
        best_left = np.maximum.reduceat(left, block.start) + raised[some]
        survey.rent[some] = np.maximum(best_left, 0)
    return survey


def _step_cost(policy: Policy, nth: Ints) -> Ints:
    """Cost of the n-th new conversation of an agent, n from 0, thousandths."""
    return in_milli(nth.astype(np.float64) * policy.load_step_cost)


def in_milli(money: Floats) -> Ints:
    """Thousandths; what is no number counts 0, and other checks report it."""
    milli: Ints = np.rint(np.nan_to_num(money, posinf=0, neginf=0) * MILLI).astype(np.int64)
    return milli


def _stated(money: pl.Series) -> Ints:
    return in_milli(money.fill_null(0.0).to_numpy())
