"""Batch to arrays and back: ids become positions here, and positions become ids again.

`build_problem` states the rules and the gain of a batch as an `AssignmentProblem`; `to_plan` turns
a solution of it into a plan that names every contact. Nothing else maps one to the other.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState, build_agent_state
from models.conversations import Conversations, build_conversations
from models.eligibility import Eligibility, build_eligibility
from models.explanations import Facts, build_explanations
from models.gain import Gain, build_gain
from models.mixes import build_room
from models.parties import build_held_by_party, locked_to
from models.plan import Carried, Plan
from models.policy import Policy
from models.problem import (
    MILLI,
    NOBODY,
    AssignmentProblem,
    Floats,
    Ints,
    Positions,
    Prices,
    to_milli,
)
from models.skills import build_skill_levels
from models.solution import NO_RENT, Hint, Solution
from models.tables import (
    ASSIGNMENT,
    EXPLANATION,
    PRICE,
    UNASSIGNED,
    AssignmentEvent,
    Channel,
    Decision,
)


@dataclass(frozen=True, eq=False)
class BatchProblem:
    """A batch stated as a problem, with what it takes to come back."""

    batch: Batch
    policy: Policy
    conversations: Conversations
    agents: AgentState
    eligibility: Eligibility
    gain: Gain
    problem: AssignmentProblem
    sites: tuple[str, ...]
    """Capped sites in position order."""

    def hint(self, previous: Carried | None) -> Hint | None:
        """Prices and rents of the previous tick in this problem's positions.

        Agents without a price get 0, conversations that were not there NO_RENT.
        """
        if previous is None:
            return None
        lanes = pl.DataFrame(
            {"channel": [channel.value for channel in Channel], "lane": range(len(Channel))}
        )
        known = previous.prices.join(
            self.agents.agents.select("agent_id", "agent_idx"), on="agent_id"
        ).join(lanes, on="channel")
        lane = np.zeros(self.problem.lane_cap.shape)
        agent = np.zeros(self.problem.num_agents)
        rows = known["agent_idx"].to_numpy()
        lane[rows, known["lane"].to_numpy()] = known["lane_price"].to_numpy()
        agent[rows] = known["agent_price"].to_numpy()
        site_of = dict(previous.site_prices.iter_rows())
        site = np.array([site_of.get(site, 0.0) for site in self.sites])
        return Hint(
            Prices(to_milli(lane.ravel()).reshape(lane.shape), to_milli(agent), to_milli(site)),
            self._rents(previous),
        )

    def _rents(self, previous: Carried) -> Ints:
        """Rent of each conversation in the previous tick, by its lead, or NO_RENT."""
        leads = self.conversations.members.filter(pl.col("position") == 0)
        known = leads.select("contact_id", "conversation_idx").join(
            previous.rents, on="contact_id"
        )
        rents = np.full(self.problem.num_contacts, NO_RENT, dtype=np.int64)
        rents[known["conversation_idx"].to_numpy()] = to_milli(known["rent"].to_numpy())
        return rents

    def to_plan(self, solution: Solution) -> Plan:
        """The plan that a solution of this problem stands for, with a reason for every contact."""
        rows = build_explanations(
            Facts(
                now=self.batch.now,
                conversations=self.conversations,
                agents=self.agents,
                eligibility=self.eligibility,
                gain=self.gain,
                problem=self.problem,
                solution=solution,
            )
        )
        tick_at = pl.lit(self.batch.now, pl.Datetime("us", "UTC")).alias("tick_at")
        members = self.conversations.members.join(rows, on="conversation_idx").sort("contact_id")
        waiting = members.filter(pl.col("decision") != Decision.ASSIGNED.value)
        return Plan(
            tick_at=self.batch.now,
            assignments=self._assignments(members),
            unassigned=waiting.select(tick_at, *_columns(UNASSIGNED.schema())),
            explanations=members.select(tick_at, *_columns(EXPLANATION.schema())),
            prices=self._prices(solution.prices),
            site_prices=pl.DataFrame(
                {"site": self.sites, "price": _money(solution.prices.site)},
                schema={"site": pl.String, "price": pl.Float64},
            ),
            gain_milli=solution.gain,
            bound_milli=solution.bound,
            greedy_milli=solution.baseline,
            termination=solution.termination,
            limit=solution.limit,
            backend=solution.backend,
            policy_digest=self.policy.digest(),
            proof=solution.proof,
        )

    def _assignments(self, members: pl.DataFrame) -> pl.DataFrame:
        is_lead = pl.col("position") == 0
        units = self.conversations.units.select("conversation_idx", "units")
        versions = self.batch.agents.select("agent_id", agent_version="version")
        tick_at = pl.lit(self.batch.now, pl.Datetime("us", "UTC"))
        return (
            members.filter(pl.col("decision") == Decision.ASSIGNED.value)
            .join(units, on="conversation_idx")
            .join(versions, on="agent_id")
            .with_columns(
                tick_at=tick_at,
                event_at=tick_at,
                event=pl.lit(AssignmentEvent.OFFERED.value),
                contact_version="version",
                is_lead=is_lead,
                units=pl.when(is_lead).then("units").otherwise(0.0),
                gain=pl.when(is_lead).then("gain").otherwise(0.0),
            )
            .select(ASSIGNMENT.schema().names())
            .sort("contact_id")
        )

    def _prices(self, prices: Prices) -> pl.DataFrame:
        agent, lane = np.nonzero(self.problem.lane_cap * (self.problem.agent_cap > 0)[:, None])
        site = self.problem.agent_site[agent]
        capped = site != NOBODY
        site_price = np.zeros(len(agent))
        site_price[capped] = _money(prices.site)[site[capped]]
        channels = np.array([channel.value for channel in Channel])
        return pl.DataFrame(
            {
                "tick_at": pl.Series(
                    [self.batch.now] * len(agent), dtype=pl.Datetime("us", "UTC")
                ),
                "agent_id": self.agents.agents["agent_id"].gather(agent),
                "channel": channels[lane],
                "free_slots": self.problem.lane_cap[agent, lane],
                "lane_price": _money(prices.lane)[agent, lane],
                "agent_price": _money(prices.agent)[agent],
                "site_price": site_price,
            },
            schema=PRICE.schema(),
        )


def build_problem(batch: Batch, policy: Policy) -> BatchProblem:
    """The batch as arrays: eligibility as classes, gain in money, residual capacity."""
    conversations = build_conversations(batch, policy)
    agents = build_agent_state(batch, policy)
    levels = build_skill_levels(batch, conversations, agents, policy)
    eligibility = build_eligibility(batch, conversations, agents, levels, policy)
    held = build_held_by_party(batch, conversations, agents)
    gain = build_gain(batch, policy, conversations, agents, levels, eligibility, held)
    room = build_room(agents, conversations, policy)
    banned = _banned(batch, policy, conversations, agents)
    sites, agent_site, site_cap = _sites(agents, policy)
    per_class = np.count_nonzero(eligibility.eligible, axis=1)
    problem = AssignmentProblem(
        contact_class=conversations.units["class_idx"].to_numpy().astype(np.int32),
        class_ptr=np.concatenate([[0], np.cumsum(per_class)]).astype(np.int64),
        class_agent=np.nonzero(eligibility.eligible)[1].astype(np.int32),
        only_agent=locked_to(held, conversations, eligibility),
        banned_contact=banned["conversation_idx"].to_numpy().astype(np.int32),
        banned_agent=banned["agent_idx"].to_numpy().astype(np.int32),
        base=gain.base,
        term_row=gain.term_row,
        term_coef=gain.term_coef,
        rate=gain.rate,
        extra_contact=gain.sticky["conversation_idx"].to_numpy().astype(np.int32),
        extra_agent=gain.sticky["agent_idx"].to_numpy().astype(np.int32),
        extra_gain=gain.sticky["worth"].to_numpy(),
        contact_lane=conversations.units["lane_idx"].to_numpy().astype(np.int32),
        lane_cap=room.lane_cap,
        agent_cap=room.agent_cap,
        load_cost=_load_cost(room.agent_cap, policy),
        agent_site=agent_site,
        site_cap=site_cap,
        mixes=room.mixes,
    )
    return BatchProblem(
        batch, policy, conversations, agents, eligibility, gain, problem, sites=sites
    )


def _load_cost(slots: Ints, policy: Policy) -> Ints:
    steps = to_milli(np.arange(float(slots.max(initial=0))) * policy.load_step_cost)
    return np.tile(steps, (len(slots), 1))


def _banned(
    batch: Batch, policy: Policy, conversations: Conversations, agents: AgentState
) -> pl.DataFrame:
    """(conversation_idx, agent_idx) of pairs that declines keep apart."""
    recent = pl.lit(batch.now, pl.Datetime("us", "UTC")) - pl.duration(
        microseconds=round(policy.decline_cooldown_s * 1e6)
    )
    return (
        batch.declines.group_by("contact_id", "agent_id")
        .agg(num=pl.len(), last=pl.col("declined_at").max())
        .filter((pl.col("num") >= policy.max_declines) | (pl.col("last") > recent))
        .join(conversations.members.select("contact_id", "conversation_idx"), on="contact_id")
        .join(agents.agents.select("agent_id", "agent_idx"), on="agent_id")
        .select("conversation_idx", "agent_idx")
        .unique()
        .sort("conversation_idx", "agent_idx")
    )


def _sites(agents: AgentState, policy: Policy) -> tuple[tuple[str, ...], Positions, Ints]:
    """Capped sites that have agents, each agent's position among them, and their caps."""
    present = set(agents.agents["site"].unique())
    sites = tuple(sorted(site for site in policy.site_caps if site in present))
    position = {site: place for place, site in enumerate(sites)}
    agent_site = agents.agents["site"].replace_strict(
        position, default=NOBODY, return_dtype=pl.Int32
    )
    caps = np.array([policy.site_caps[site] for site in sites], dtype=np.int64)
    return sites, agent_site.to_numpy(), caps


def _columns(schema: pl.Schema) -> list[str]:
    return [name for name in schema.names() if name != "tick_at"]


def _money(milli: Ints) -> Floats:
    money: Floats = milli / MILLI
    return money
