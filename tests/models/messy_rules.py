"""The rules of the field over messy batches: some of them at a time, at their limits."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import numpy as np
import polars as pl

from models.batch import Batch
from models.columns import LIVE
from models.policy import Boost, Policy, ProfilePolicy, ProfileReset, VoiceFollow
from models.tables import (
    INPUT_TABLES,
    AssignmentEvent,
    Channel,
    Importance,
    OverflowWhen,
    Presence,
    Table,
    Tier,
)
from tests.models.messy_batches import NOW, QUEUE_IDS, SKILLS, ZONES, messy_batch, messy_policy

PROFILES = (None, "high", "high,total", " total , ", "normal,total", "")
CUSTOMERS = ("k1", "k2", "k3")
_MET = ("voice", "voice", "chat", "chat", "messaging", "email", "email", "email", "callback")
Row = dict[str, Any]


class Rule(Enum):
    """Groups of rules that a batch may show."""

    PRIORITY = "priority"
    STEPS = "steps"
    STATES = "states"
    OFFERS = "offers"
    PROFILES = "profiles"
    HOURS = "hours"
    OVERFLOW = "overflow"
    PREFERRED = "preferred"
    FAIRNESS = "fairness"
    DECLINES = "declines"
    PARTIES = "parties"
    PRICES = "prices"


class _Cells:
    """Random cells; in some batches rules are rare, so that several of them meet in one contact
    that somebody may still serve.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 7])
        self.share = float(self.one(0.05, 0.2, 0.5))
        """Share of the cells that are filled."""

    def one(self, *options: Any) -> Any:  # noqa: ANN401
        return options[int(self.rng.integers(len(options)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def ago(self, *seconds: float) -> datetime:
        return NOW - timedelta(seconds=float(self.one(*seconds)))

    def column(self, size: int, *options: Any) -> list[Any]:  # noqa: ANN401
        return [self.one(*options) for _ in range(size)]

    def some(self, size: int, *options: Any) -> list[Any]:  # noqa: ANN401
        return [self.one(*options) if self.chance(self.share) else None for _ in range(size)]

    def instants(self, size: int, empty: float, *seconds: float) -> list[datetime | None]:
        return [None if self.chance(empty) else self.ago(*seconds) for _ in range(size)]


def ruled_batch(
    seed: int, num_contacts: int, num_agents: int, rules: frozenset[Rule]
) -> tuple[Batch, Policy]:
    """A messy batch and policy with these groups of rules; the same arguments, the same rows."""
    batch, policy = messy_batch(seed, num_contacts, num_agents), messy_policy(seed)
    # Where nobody is good enough for what asks for nothing, no other rule shows.
    policy = replace(policy, p_floor=min(policy.p_floor, policy.p_no_skill))
    if seed % 3:
        batch = _ready_for_work(_Cells(seed), batch)
    for rule in sorted(rules, key=lambda rule: rule.value):
        cells = _Cells(seed + list(Rule).index(rule))
        batch, policy = _SHOWS[rule](cells, batch, policy)
    return batch, policy


def _ready_for_work(cells: _Cells, batch: Batch) -> Batch:
    """Everybody is there and can do everything somehow: what is left to the rules of the field."""
    size, agents = len(batch.agents), batch.agents["agent_id"]
    people = _with(
        batch.agents,
        presence=["available"] * size,
        shift_start_at=[NOW - timedelta(hours=2)] * size,
        shift_end_at=[cells.ago(-419, -420, *[-21_600] * 8) for _ in range(size)],
        capacity_units=cells.column(size, 100.0, 125.5, 200.0),
    )
    channels = [
        {"agent_id": agent, "channel": channel.value, "max_items": cells.one(1, 1, 2, 5)}
        for agent in agents
        for channel in Channel
    ]
    skills = [
        {"agent_id": agent, "skill": skill, "proficiency": cells.one(5, 7, 7, 10)}
        for agent in agents
        for skill in SKILLS
    ]
    return replace(
        batch,
        agents=people,
        agent_channels=_rows("agent_channels", channels),
        agent_skills=_rows("agent_skills", skills),
        contacts=_with(batch.contacts, time_zone=[None] * len(batch.contacts)),
        customers=_with(batch.customers, time_zone=[None] * len(batch.customers)),
    )


def _priority(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    size = len(batch.contacts)
    contacts = _with(
        batch.contacts,
        priority=cells.some(size, 0, 1, 2, 9),
        waited_before_s=cells.some(size, 0.0, 30.0, 600.0),
        hold_until=cells.instants(size, 0.9, -1, 0, 1, 30, 600),
    )
    queues = _with(
        batch.queues,
        priority=cells.some(len(batch.queues), 0, 1, 5),
        max_wait_s=cells.column(len(batch.queues), None, 0.0, 20.0, 25.0, 50.0, 300.0),
    )
    customers = _with(
        batch.customers, health=cells.column(len(batch.customers), None, 0.0, 0.5, 1.0)
    )
    boosts = (
        Boost(queue_id="q1", worth=3.0),
        Boost(channel=Channel.EMAIL, age_s=600.0),
        Boost(tier=Tier.GOLD, escalated=True, worth=1.0, age_s=10.0),
    )
    return replace(batch, contacts=contacts, queues=queues, customers=customers), replace(
        policy,
        strict_classes=cells.one(0, 0, 1, 2),
        priority_worth=cells.one((), (5.0, 3.0, 1.0)),
        ageing_per_s=cells.one(0.0, 0.01),
        most_ageing=cells.one(0.5, 100.0),
        boosts=boosts if cells.chance(0.6) else (),
        health_weight=cells.one(0.0, 0.5),
        age_credit=cells.one(0.0, 0.5, 1.0),
    )


def _steps(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    size = len(batch.contact_skills)
    skills = _with(
        batch.contact_skills, importance=cells.column(size, None, *list(Importance), "low")
    )
    ids = batch.contacts["contact_id"].to_list()
    agents = batch.agents["agent_id"].to_list()
    named = [*SKILLS, *(f"agent:{agent}" for agent in agents[:3]), "agent:a77"]
    rows = [
        {
            "contact_id": cells.one(*ids),
            "step": cells.one(0, 0, 1, 2, 5),
            "alternative": cells.one(0, 0, 1, 7),
            "skill": cells.one(*named),
            "min_proficiency": cells.one(0, 4, 5, 7),
            "expires_s": cells.one(None, 5.0, 20.0, 30.0, 300.0),
        }
        for _ in range(1 + int(cells.share * len(ids)))
    ]
    queues = _with(
        batch.queues, relax_after_s=cells.column(len(batch.queues), None, 5.0, 20.0, 100.0)
    )
    steps = _rows("contact_steps", rows if cells.chance(0.7) else [])
    return replace(batch, contact_skills=skills, contact_steps=steps, queues=queues), replace(
        policy, overqualified_cost=cells.one(0.0, 2.0)
    )


def _states(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Agents drain where a call waits, everybody talks, and somebody has a chat that blocks it."""
    batch = replace(
        batch, agent_load=_with_work(cells, batch, cells.share, Channel.CHAT, Channel.VOICE)
    )
    size = len(batch.agent_load)
    load = _with(
        batch.agent_load,
        state_since=cells.instants(size, 0.3, 0, 59, 60, 61, 600),
        last_customer_at=cells.instants(size, 0.3, 0, 100, 179, 180, 600, 601),
        due_at=cells.instants(size, 0.5, -600, -1_200, -19_999, -60_000, 5),
    )
    away = cells.column(len(batch.agents), *["available"] * 7, *Presence)
    agents = _with(
        batch.agents,
        presence=[
            new if cells.chance(0.5) else old
            for new, old in zip(away, batch.agents["presence"], strict=True)
        ],
        presence_since=cells.instants(len(batch.agents), 0.3, 0, 59, 60, 61, 900, 30_000),
    )
    channels = dict(policy.channels)
    for channel in Channel:
        channels[channel] = replace(
            channels[channel],
            extra_units=cells.one(0.0, 0.0, 33.0),
            wrap_block_s=cells.one(0.0, 60.0),
            yields_to=cells.one(channels[channel].yields_to, (), (Channel.VOICE, Channel.CHAT)),
            inactive_after_s=cells.one(channels[channel].inactive_after_s, 0.0, 180.0),
            owner_gone_s=cells.one(0.0, 60.0, 900.0),
        )
    return replace(batch, agent_load=load, agents=agents), replace(
        policy,
        channels=channels,
        interrupt_cost=cells.one(0.0, 0.7, 70.0),
        drain_agents=cells.one(0, 1, 3),
        drain_share=cells.one(0.0, 0.5, 1.0),
        lock_release_s=cells.one(0.0, 60.0),
    )


def _offers(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    agents = batch.agents["agent_id"].to_list()
    known = [*batch.contacts["contact_id"], *(f"o{n}" for n in range(9))]
    rows = [
        {
            "contact_id": cells.one(*known),
            "agent_id": cells.one(*agents),
            "channel": cells.one(*Channel, *_MET),
            "offered_at": cells.ago(0, 100, 200, 3_599, 3_600, 3_601, 7_200, 7_201),
            "event": cells.one(*AssignmentEvent, *[AssignmentEvent.EXPIRED] * 3).value,
            "event_at": cells.ago(0, 10, 15, 299, 300, 301, 600, 600),
            "profiles": cells.one(*PROFILES),
        }
        for _ in range(2 + int(6 * cells.share * len(agents)))
    ]
    channels = dict(policy.channels)
    for channel in Channel:
        channels[channel] = replace(channels[channel], max_per_hour=cells.one(0, 0, 1, 1, 2))
    return replace(batch, offers=_rows("offers", rows)), replace(
        policy, channels=channels, auto_ready_s=cells.one(0.0, 300.0, 300.0)
    )


def _profiles(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    contacts = _with(
        batch.contacts, profiles=cells.column(len(batch.contacts), None, None, *PROFILES)
    )
    load = _with(batch.agent_load, profiles=cells.column(len(batch.agent_load), *PROFILES))
    own = [
        {"agent_id": agent, "profile": cells.one("high", "total"), "max_items": cells.one(0, 1, 3)}
        for agent in batch.agents["agent_id"]
        if cells.chance(0.3)
    ]
    limits = {
        "high": ProfilePolicy(cells.one(1, 2), cells.one(*ProfileReset)),
        "total": ProfilePolicy(cells.one(2, 3), cells.one(*ProfileReset)),
    }
    return (
        replace(
            batch, contacts=contacts, agent_load=load, agent_profiles=_rows("agent_profiles", own)
        ),
        replace(policy, profiles=limits if cells.chance(0.8) else {}),
    )


def _hours(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    zone = cells.one(*ZONES)
    days = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-29")
    holidays = [
        {
            "calendar_id": cells.one("open", "part"),
            "day": day,
            "opens_minute": cells.one(0, 600, 660),
            "closes_minute": cells.one(660, 720, 1_440),
        }
        for day in days
        if cells.chance(0.4)
    ]
    weekly = [
        {
            "calendar_id": "part",
            "time_zone": zone,
            "weekday": weekday,
            "opens_minute": cells.one(0, 120, 540),
            "closes_minute": cells.one(660, 1_080, 1_440),
        }
        for weekday in range(7)
        if cells.chance(0.6)
    ]
    activities = [
        {
            "agent_id": agent,
            "starts_at": cells.ago(-400, -1, 0, 1, 600),
            "ends_at": cells.ago(-401, -1_000, -5_000),
        }
        for agent in batch.agents["agent_id"]
        if cells.chance(0.2)
    ]
    calendars = pl.concat([batch.calendars, _rows("calendars", weekly)])
    size = len(batch.contacts)
    called_back = [cells.chance(cells.share) for _ in range(size)]
    met, zones = batch.contacts["channel"], batch.contacts["time_zone"]
    contacts = _with(
        batch.contacts,
        channel=[
            "callback" if calls else old for calls, old in zip(called_back, met, strict=True)
        ],
        time_zone=[
            cells.one(None, *ZONES) if calls else old
            for calls, old in zip(called_back, zones, strict=True)
        ],
    )
    from_hour, until_hour = cells.one((8, 20), (0, 24), (9, 11), (10, 12))
    return replace(
        batch,
        contacts=contacts,
        holidays=_rows("holidays", holidays),
        calendars=calendars.unique(("calendar_id", "weekday", "opens_minute"), keep="first"),
        agent_activities=_rows("agent_activities", activities),
    ), replace(
        policy,
        age_outside_hours=cells.one(True, False, False),
        callback_from_hour=from_hour,
        callback_until_hour=until_hour,
    )


def _overflow(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    rows = [
        {
            "queue_id": cells.one(*QUEUE_IDS),
            "to_queue_id": cells.one(*QUEUE_IDS),
            "condition": cells.one(*OverflowWhen).value,
            "threshold": cells.one(0.0, 1.0, 5.0, 50.0),
            "tier": cells.one(*[None] * 5, *Tier),
        }
        for _ in range(12)
    ]
    queues = _with(
        batch.queues,
        arrivals_per_h=cells.column(len(batch.queues), None, 0.0, 0.0, 0.0, 12.0, 13.0, 60.0),
        service_level=cells.column(len(batch.queues), None, 0.79, 0.8, 1.0),
    )
    members = [
        {"queue_id": cells.one(*QUEUE_IDS), "agent_id": agent}
        for agent in batch.agents["agent_id"]
        for _ in range(cells.one(1, 1, 2))
    ]
    return replace(
        batch,
        overflow=_rows("overflow", rows),
        queues=queues,
        queue_members=_rows("queue_members", members),
    ), replace(policy, borrow_cost=cells.one(0.0, 0.2, 0.2, 5.0, 500.0))


def _preferred(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Those who are preferred are on a call, hold what they may, come later, or have a break."""
    late = [cells.chance(0.3) for _ in range(len(batch.agents))]
    starts, ends = batch.agents["shift_start_at"], batch.agents["shift_end_at"]
    people = _with(
        batch.agents,
        shift_start_at=[
            cells.ago(-600, -600, -1_200, -20_000, -60_000, -60_001) if later else at
            for later, at in zip(late, starts, strict=True)
        ],
        shift_end_at=[
            NOW + timedelta(hours=24) if later else at
            for later, at in zip(late, ends, strict=True)
        ],
    )
    targets = [cells.one(None, None, old) for old in batch.queues["target_answer_s"]]
    queues = _with(batch.queues, target_answer_s=targets)
    batch = replace(batch, agents=people, queues=queues)
    work = (Channel.VOICE, Channel.VOICE, Channel.MESSAGING, Channel.EMAIL)
    batch = replace(batch, agent_load=_with_work(cells, batch, 0.5, *work))
    breaks = [
        {"agent_id": agent, "starts_at": cells.ago(2), "ends_at": cells.ago(-300, -3_000)}
        for agent in batch.agents["agent_id"]
        if cells.chance(0.2)
    ]
    resting = pl.concat([batch.agent_activities, _rows("agent_activities", breaks)])
    batch = replace(batch, agent_activities=resting)
    size, agents = len(batch.contacts), batch.agents["agent_id"].to_list()
    contacts = _with(
        batch.contacts,
        last_agent_id=cells.column(size, None, *agents),
        last_agent_at=cells.instants(size, 0.2, -100, 100, 3_600, 400_000),
        resolver_agent_id=cells.column(size, None, *agents, "a88"),
        resolved_at=cells.instants(size, 0.2, 0, 86_400, 30 * 86_400, -5),
    )
    dedicated = [
        {"customer_id": customer, "agent_id": agent, "score": cells.one(0.0, 50.0, 100.0)}
        for customer in CUSTOMERS
        for agent in agents
        if cells.chance(0.3)
    ]
    channels = dict(policy.channels)
    for channel in Channel:
        channels[channel] = replace(
            channels[channel],
            same_agent_window_s=cells.one(0.0, 101.0, 3_600.0, 1e6),
            hold_preferred_s=cells.one(0.0, 45.0, 600.0, 5_000.0, 5_000.0),
            ahead_s=cells.one(600.0, 60_000.0),
        )
    return replace(
        batch, contacts=contacts, customer_agents=_rows("customer_agents", dedicated)
    ), replace(
        policy,
        channels=channels,
        region_cost=cells.one(0.0, 0.5),
        hold_slack_share=cells.one(0.0, 0.5, 1.0, 1.0),
    )


def _fairness(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    size, agents = len(batch.agents), batch.agents["agent_id"].to_list()
    people = _with(
        batch.agents,
        handled_s=cells.column(size, None, 0.0, 1_000.0, 3_000.0, 9_000.0),
        productive_s=cells.column(size, None, 0.0, 2_000.0, 4_000.0),
    )
    subjects = ("skill:billing", "channel:email", "queue:q1", "channel:voice", "skill:nothing")
    likes = [
        {"agent_id": agent, "subject": subject, "weight": cells.one(-1.0, 0.5, 1.0)}
        for agent in agents
        for subject in subjects
        if cells.chance(0.5)
    ]
    quotas = [
        {
            "agent_id": agent,
            "skill": cells.one("billing", "network"),
            "quota": cells.one(1, 3),
            "done": cells.one(0, 1),
            "mentor_agent_id": cells.one(None, *agents),
        }
        for agent in agents
        if cells.chance(0.3)
    ]
    return replace(
        batch,
        agents=people,
        agent_preferences=_rows("agent_preferences", likes),
        agent_quotas=_rows("agent_quotas", quotas),
    ), replace(
        policy,
        fairness_cost=cells.one(0.0, 0.2, 20.0),
        preference_share=cells.one(0.0, 0.01, 0.3, 0.3),
        idle_full_s=cells.one(600.0, 60.0),
        failure_fixed=cells.one(4.0, 4.0, 60.0),
    )


def _declines(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Some contacts that nearly everybody declined, and some pairs that declined for good."""
    ids, agents = batch.contacts["contact_id"].to_list(), batch.agents["agent_id"].to_list()
    rows = [
        {
            "contact_id": contact,
            "agent_id": agent,
            "declined_at": cells.ago(0, 14, 15, 16, 599, 600, 601, 5_000),
        }
        for contact in ids[: cells.one(0, 1, 3)]
        for agent in agents
        if cells.chance(0.8)
        for _ in range(cells.one(1, 2, 4))
    ]
    declines = pl.concat([batch.declines, _rows("declines", rows)])
    return replace(
        batch, declines=declines.unique(("contact_id", "agent_id", "declined_at"), keep="first")
    ), replace(
        policy,
        max_declining_agents=cells.one(3, 10, 10),
        decline_cost=cells.one(0.0, 0.5, 50.0),
        decline_pause_s=cells.one(0.0, 15.0),
        decline_cooldown_s=cells.one(0.0, 600.0),
    )


def _parties(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Few customers and threads, so that calls and messages of one party meet."""
    size = len(batch.contacts)
    customers = [f"k{n}" for n in range(1, 2 + size // 2)]
    contacts = _with(
        batch.contacts,
        customer_id=cells.column(size, None, *customers),
        conversation_id=[f"t{int(cells.rng.integers(1 + size))}" for _ in range(size)],
        channel=cells.column(size, *_MET),
        time_zone=cells.some(size, *ZONES),
    )
    follow = cells.one(*VoiceFollow, VoiceFollow.KEEP_TEXT_OWNER)
    if cells.chance(0.3):
        batch = replace(batch, agent_channels=_calling_or_writing(batch.agent_channels))
    return replace(batch, contacts=contacts), replace(policy, voice_follow=follow)


def _prices(cells: _Cells, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Windows shorter and longer than the work; some agents have no price, one is not there."""
    window = cells.one(1.0, 300.0, 600.0, 5_000.0)
    sold = [
        {
            "agent_id": agent,
            "window_s": window,
            "fast_price": cells.one(0.0, 0.7, 3.0, 40.0),
            "slow_price": cells.one(0.0, 0.001, 0.01, 0.3),
            "late_price": cells.one(0.0, 0.002, 0.02, 0.3),
        }
        for agent in (*batch.agents["agent_id"], "a99")
        if cells.chance(0.7)
    ]
    heads = [
        {"queue_id": queue, "head_worth": cells.one(0.0, 0.333, 5.0, 50.0)}
        for queue in (*batch.queues["queue_id"], "q99")
        if cells.chance(0.6)
    ]
    channels = {
        channel: replace(numbers, attention=cells.one(numbers.attention, 0.0, 0.3, 1.0))
        for channel, numbers in policy.channels.items()
    }
    return replace(
        batch,
        agent_prices=_rows("agent_prices", sold),
        queue_prices=_rows("queue_prices", heads),
    ), replace(policy, channels=channels, head_worth=cells.one(0.0, 0.0, 0.125, 7.0))


def _calling_or_writing(agent_channels: pl.DataFrame) -> pl.DataFrame:
    """Agents of even numbers keep the live channels only, the others all but these."""
    even = pl.col("agent_id").str.slice(1).cast(pl.Int64) % 2 == 0
    return agent_channels.filter(pl.col("channel").is_in(list(LIVE)) == even)


def _with_work(cells: _Cells, batch: Batch, share: float, *channels: Channel) -> pl.DataFrame:
    """What agents hold, and for some of them an item more that nobody waits for."""
    items = [
        {
            "agent_id": agent,
            "contact_id": f"{channel.value}-{agent}",
            "channel": channel.value,
            "state": "active",
            "started_at": NOW - timedelta(seconds=100),
            "expected_end_at": cells.ago(-20, -40, -100, -400, -400),
        }
        for agent in batch.agents["agent_id"]
        for channel in (cells.one(*channels),)
        if cells.chance(share)
    ]
    return pl.concat([batch.agent_load, _rows("agent_load", items)]).unique(
        "contact_id", keep="first", maintain_order=True
    )


_SHOWS: dict[Rule, Callable[[_Cells, Batch, Policy], tuple[Batch, Policy]]] = {
    Rule.PRIORITY: _priority,
    Rule.STEPS: _steps,
    Rule.STATES: _states,
    Rule.OFFERS: _offers,
    Rule.PROFILES: _profiles,
    Rule.HOURS: _hours,
    Rule.OVERFLOW: _overflow,
    Rule.PREFERRED: _preferred,
    Rule.FAIRNESS: _fairness,
    Rule.DECLINES: _declines,
    Rule.PARTIES: _parties,
    Rule.PRICES: _prices,
}


def _table(name: str) -> Table:
    return next(table for table in INPUT_TABLES if table.name == name)


def _with(frame: pl.DataFrame, **columns: list[Any]) -> pl.DataFrame:
    """The frame with these columns in place of its own."""
    return frame.with_columns(
        pl.Series(name, values, dtype=frame.schema[name], strict=False)
        for name, values in columns.items()
    )


def _rows(name: str, rows: list[Row]) -> pl.DataFrame:
    table = _table(name)
    frame = pl.DataFrame(rows, schema=table.schema())
    valid = [rule.holds(NOW).fill_null(value=True) for rule in table.rules]
    kept = frame.filter(*valid) if valid else frame
    return kept.unique(table.key, keep="first", maintain_order=True)
