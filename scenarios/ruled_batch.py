"""A large batch that shows every rule at once, group by group, without loops over rows.

    batch, policy = ruled_batch(seed, 5_000, 1_000, now)

Every group of rules fills the columns and tables that it looks at, with values drawn from a stream
of its own, so that leaving one group out changes nothing else.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

import polars as pl

from models.batch import Batch
from models.policy import Boost, Policy, ProfilePolicy, ProfileReset, VoiceFollow
from models.tables import (
    CONTACT_SKILLS,
    CONTACT_STEPS,
    CUSTOMER_AGENTS,
    DECLINES,
    OVERFLOW,
    QUEUE_MEMBERS,
    QUEUES,
    Channel,
    Importance,
    OverflowWhen,
    Tier,
)
from scenarios import ruled_agents
from scenarios.draws import Draws
from scenarios.generate import generate_batch
from scenarios.random_batch import SKILLS
from scenarios.randomness import Purpose

NUM_DESKS = 4
"""Queues per channel; the last one lists no members."""


class RuleGroup(StrEnum):
    """Rules that a batch may show or not, in the order in which they are filled in."""

    QUEUES = "queues"
    """Members, overflow, borrowing, lending reserves."""
    HOURS = "hours"
    """Calendars, holidays, activities, shifts, callbacks in the customer's hours."""
    PRIORITY = "priority"
    """Classes, boosts, ageing, starvation, health, pauses, earlier waits."""
    SKILLS = "skills"
    """Importance, relaxation, steps, overqualification."""
    ITEMS = "items"
    """Held items of all channels and states, presence, draining."""
    OFFERS = "offers"
    """Offers of the day: rates, who does not respond."""
    PROFILES = "profiles"
    """Capacity profiles of contacts, items, offers and agents."""
    KNOWN = "known"
    """Same-agent windows, dedicated agents, resolvers, regions, waiting for the preferred."""
    FAIRNESS = "fairness"
    """Today's work, preferences and quotas."""
    DECLINES = "declines"
    """Declines, bans, rests, pauses, contacts left to people."""
    PARTIES = "parties"
    """Calls and messages of one customer, items of customers who wait."""
    PRICES = "prices"
    """Prices of agents' time, worth of heads by queue."""


ALL_RULES = tuple(RuleGroup)


def ruled_batch(
    seed: int,
    num_contacts: int,
    num_agents: int,
    now: datetime,
    rules: Collection[RuleGroup] = ALL_RULES,
) -> tuple[Batch, Policy]:
    """A generated batch of this size and a policy that show these groups of rules.

    Without any group it is `generate_batch` under the default policy.
    """
    batch, policy = generate_batch(seed, num_contacts, num_agents, now), Policy()
    for place, group in enumerate(RuleGroup):
        if group in rules:
            draws = Draws(seed, Purpose.RULES, place)
            batch, policy = _SHOWS[group](draws, batch, policy)
    return batch, policy


def _queues(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Every channel's queue becomes desks whose members lend each other a hand."""
    desk = draws.pick(len(batch.contacts), range(NUM_DESKS))
    contacts = batch.contacts.with_columns(
        pl.format("{}-{}", "queue_id", pl.Series(desk)).alias("queue_id")
    )
    queues = (
        batch.queues.select("queue_id")
        .join(pl.DataFrame({"desk": range(NUM_DESKS)}), how="cross")
        .select(queue_id=pl.format("{}-{}", "queue_id", "desk"))
        .match_to_schema(QUEUES.schema(), missing_columns="insert")
    )
    size = len(queues)
    queues = draws.fill(
        queues,
        arrivals_per_h=([None, 12.0, 60.0, 200.0], None),
        service_level=([None, 0.75, 0.9, 1.0], None),
        mean_handle_s=([None, 240.0, 420.0], [0.6, 0.2, 0.2]),
        target_answer_s=([None, 45.0, 900.0], [0.8, 0.1, 0.1]),
    )
    listed = queues.filter(~pl.col("queue_id").str.ends_with(f"-{NUM_DESKS - 1}"))
    members = draws.some(
        listed.select("queue_id").join(batch.agents.select("agent_id"), how="cross"), 0.7
    )
    conditions = [condition.value for condition in OverflowWhen]
    overflow = pl.DataFrame(
        {
            "queue_id": draws.pick(3 * size, queues["queue_id"]),
            "to_queue_id": draws.pick(3 * size, listed["queue_id"]),
            "condition": draws.pick(3 * size, conditions),
            "threshold": draws.pick(3 * size, [0.0, 20.0, 120.0]),
            "tier": draws.pick(3 * size, [None, Tier.GOLD.value], [0.7, 0.3]),
        },
        schema=OVERFLOW.schema(),
    )
    overflow = overflow.filter(pl.col("queue_id") != pl.col("to_queue_id"))
    return replace(
        batch,
        contacts=contacts,
        queues=queues,
        queue_members=members.select(QUEUE_MEMBERS.schema().names()),
        overflow=overflow.unique(OVERFLOW.key, keep="first", maintain_order=True),
    ), replace(policy, borrow_cost=0.2)


def _priority(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    size = len(batch.contacts)
    contacts = draws.fill(
        batch.contacts,
        priority=([None, 0, 1, 3], [0.85, 0.02, 0.05, 0.08]),
        waited_before_s=([None, 30.0, 300.0], [0.95, 0.03, 0.02]),
    ).with_columns(hold_until=draws.ago(batch.now, -draws.rng.uniform(-60, 600, size), known=0.01))
    queues = draws.fill(
        batch.queues, priority=([None, 2, 7], None), max_wait_s=([None, 0.0, 1800.0], None)
    )
    customers = draws.fill(batch.customers, health=([None, 0.1, 0.6, 1.0], None))
    boosts = (
        Boost(channel=Channel.SOCIAL, worth=0.5),
        Boost(tier=Tier.GOLD, worth=1.0, age_s=30.0),
        Boost(escalated=True, worth=2.0),
    )
    return replace(batch, contacts=contacts, queues=queues, customers=customers), replace(
        policy,
        strict_classes=1,
        priority_worth=(8.0, 4.0, 2.0, 1.0),
        ageing_per_s=0.001,
        boosts=boosts,
    )


def _skills(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """A second skill for some, most of them of some importance, and steps for a tenth."""
    ids = batch.contacts.select("contact_id")
    second = draws.some(ids, 0.3).with_columns(importance=pl.lit(None, pl.String))
    second = draws.fill(
        second.match_to_schema(CONTACT_SKILLS.schema(), missing_columns="insert"),
        skill=(SKILLS, None),
        min_proficiency=([1, 3, 5], None),
    )
    kinds = [None, *(kind.value for kind in Importance)]
    skills = draws.fill(
        pl.concat([batch.contact_skills, second]).unique(
            CONTACT_SKILLS.key, keep="first", maintain_order=True
        ),
        importance=(kinds, [0.5, 0.1, 0.15, 0.15, 0.1]),
    )
    stepped = (
        draws.some(ids, 0.1)
        .join(pl.DataFrame({"step": [0, 0, 1], "alternative": [0, 1, 0]}), how="cross")
        .match_to_schema(CONTACT_STEPS.schema(), missing_columns="insert")
    )
    steps = draws.fill(
        stepped,
        skill=([*SKILLS[:6], "agent:agent-000001"], None),
        min_proficiency=([3, 6, 8], None),
        expires_s=([None, 20.0, 60.0, 600.0], [0.1, 0.3, 0.3, 0.3]),
    )
    queues = draws.fill(batch.queues, relax_after_s=([None, 15.0, 120.0], None))
    return replace(batch, contact_skills=skills, contact_steps=steps, queues=queues), replace(
        policy, overqualified_cost=0.5, p_lowest=0.2
    )


def _known(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """A quarter had somebody of late who can serve them; others have dedicated agents."""
    size, agents = len(batch.contacts), batch.agents["agent_id"]
    recent = draws.some(ruled_agents.able_agents(draws, batch, most=1), 0.3)
    recent = recent.rename({"agent_id": "recent_id"}).with_columns(
        recent_at=draws.ago(batch.now, draws.rng.uniform(0, 3600, len(recent)))
    )
    resolved_at = draws.ago(batch.now, draws.rng.uniform(0, 40 * 86_400, size), known=0.1)
    contacts = (
        batch.contacts.join(recent, on="contact_id", how="left", maintain_order="left")
        .with_columns(
            last_agent_id=pl.coalesce("recent_id", "last_agent_id"),
            last_agent_at=pl.coalesce("recent_at", "last_agent_at"),
            resolver_agent_id=pl.when(resolved_at.is_not_null()).then(draws.pick(size, agents)),
            resolved_at=resolved_at,
        )
        .select(batch.contacts.columns)
    )
    dedicated = draws.some(batch.customers.select("customer_id"), 0.3)
    dedicated = pl.concat([dedicated, draws.some(dedicated, 0.5)])
    dedicated = draws.fill(
        dedicated.match_to_schema(CUSTOMER_AGENTS.schema(), missing_columns="insert"),
        agent_id=(agents, None),
        score=([20.0, 50.0, 90.0], None),
    )
    return replace(
        batch,
        contacts=contacts,
        customer_agents=dedicated.unique(CUSTOMER_AGENTS.key, keep="first", maintain_order=True),
    ), replace(policy, region_cost=0.5, hold_slack_share=0.5)


def _profiles(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """A fifth of the contacts is of high or normal priority, all of them count in a total."""
    names = [None, "high,total", "normal,total", "total"]
    usual = (names, [0.8, 0.04, 0.1, 0.06])
    return replace(
        batch,
        contacts=draws.fill(batch.contacts, profiles=usual),
        agent_load=draws.fill(batch.agent_load, profiles=usual),
        offers=draws.fill(batch.offers, profiles=usual),
        agent_profiles=ruled_agents.profile_limits(draws, batch),
    ), replace(
        policy,
        profiles={
            "high": ProfilePolicy(2),
            "normal": ProfilePolicy(4),
            "total": ProfilePolicy(8, ProfileReset.END_OF_SHIFT),
        },
    )


def _declines(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Three contacts in a hundred were declined by agents who could serve them, up to five times,
    and a few by a dozen agents.
    """
    ids = batch.contacts.select("contact_id")
    pairs = ruled_agents.able_agents(draws, batch, most=2).join(
        draws.some(ids, 0.03), on="contact_id"
    )
    often = draws.some(pairs, 0.6)
    many = pl.concat([draws.some(ids, 0.002)] * 14)
    by_many = many.with_columns(draws.pick(len(many), batch.agents["agent_id"]).alias("agent_id"))
    rows = pl.concat([pairs, *[often] * 4, by_many])
    declined_at = draws.ago(batch.now, draws.rng.exponential(300.0, len(rows)))
    rows = rows.with_columns(declined_at=declined_at)
    return replace(
        batch, declines=rows.unique(DECLINES.key, keep="first", maintain_order=True)
    ), policy


def _parties(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Three in a hundred contacts belong to the customer of another one, often on other channels;
    agents hold something of some customers who wait.
    """
    contacts = batch.contacts
    moved = pl.Series(draws.rng.random(len(contacts)) < 0.03)
    other = draws.pick(len(contacts), contacts["customer_id"])
    contacts = contacts.with_columns(
        customer_id=pl.when(moved).then(other).otherwise("customer_id")
    )
    load = batch.agent_load
    theirs = pl.Series(draws.rng.random(len(load)) < 0.1)
    waits = draws.pick(len(load), contacts["customer_id"])
    load = load.with_columns(customer_id=pl.when(theirs).then(waits).otherwise("customer_id"))
    return replace(batch, contacts=contacts, agent_load=load), replace(
        policy, voice_follow=VoiceFollow.MOVE_ALL_TO_VOICE_AGENT
    )


_SHOWS: dict[RuleGroup, Callable[[Draws, Batch, Policy], tuple[Batch, Policy]]] = {
    RuleGroup.QUEUES: _queues,
    RuleGroup.HOURS: ruled_agents.hours,
    RuleGroup.PRIORITY: _priority,
    RuleGroup.SKILLS: _skills,
    RuleGroup.ITEMS: ruled_agents.items,
    RuleGroup.OFFERS: ruled_agents.offers,
    RuleGroup.PROFILES: _profiles,
    RuleGroup.KNOWN: _known,
    RuleGroup.FAIRNESS: ruled_agents.fairness,
    RuleGroup.DECLINES: _declines,
    RuleGroup.PARTIES: _parties,
    RuleGroup.PRICES: ruled_agents.prices,
}
