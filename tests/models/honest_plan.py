"""A centre of three agents and six contacts, and its best plan written by hand.

ana speaks messaging and email, knows billing at 10, offers 30 units and leaves in 4 h.
ben does email and social. cai is on a call that ends in 30 s, and so is free soon.

- m1 (messaging) and m2 (email) are of customer k1, so one conversation, led by m1.
- e1 and e2 are emails without requirements; e1's customer is worth more.
- v1 is a call that just came in and was promised an answer in 30 s: two ticks and the 20 s in
  which a call is accepted, so that it may just be held. d1 wants a language that nobody speaks.

V = 200 unless stated: B = 4 + 0.02 V = 8, F = 4 + 0.01 V = 6, L = 2 + 0.01 V = 4. The best chance
is always worth F and 1 more, 0.7 * 14 > 6 + 1, so that all of F is charged: p (B + F) - F.
Balance is 0.05 + 0.06 = 0.11 for all: nobody's last assignment, nor anybody's handled time, is
known. No class has a worth, nobody holds what yields, declined, is borrowed or had k1 last, and
levels above those asked for cost nothing: these terms are 0. Of the three emails e1 came first and
d1 last: priorities are 0.002, 0.001 and 0. T is a tick and what the next suitable agent takes.

k1 to ana  V = 1000: B = 24, F = 14, L = 12; p = 0.95 at level 10, for ana and so on average
           match 0.95 * 38 - 14 = 22.1; M = 22.1; nobody else could: T = 5 + 600 / 1 = 605
           m1: 34.1 (1 - exp(-605/3600)) + 0.3 ((665/600)^2 - (60/600)^2) + 8 exp(-540/605)
             = 5.275036 + 0.365521 + 3.276840 = 8.917397, more than m2's 0.119339:
           34.1 (1 - exp(-605/172800)) + 0.3 (665^2 - 60^2) / 28800^2 + 8 exp(-28740/605)
           owner 1.2; handover exp(-4 h / 4 h) = 0.367879; balance 0.11; sum 31.959517
e1 to ben  V = 500: B = 14, F = 9, L = 7; p = 0.7: match 0.7 * 23 - 9 = 7.1; M = 7.1
           T = 5 + 600 / 2 = 305: 14.1 (1 - exp(-305/172800)) + 0.3 (405^2 - 100^2) / 28800^2
             = 0.024865 + 0.000056 = 0.024921; priority 0.002; balance 0.11;
           ben's shift ends in 100 h: exp(-25) = 0; sum 7.236921; ana: less 0.367879, 6.869042
e2         match 0.7 * 14 - 6 = 3.8; M = 3.8;
           7.8 (1 - exp(-305/172800)) + 0.3 (355^2 - 50^2) / 28800^2 = 0.013800; priority 0.001;
           balance 0.11: with ben 3.924800, with ana 3.556921
v1 to cai  match 3.8; T = 5 + 300 / 1 = 305; what was promised, 30 s, is more than a tenth of 20 s
           7.8 (1 - exp(-305/240)) + 0.5 (305/30)^2 + exp(-30/305)
             = 5.611338 + 51.680556 + 0.906322 = 58.198216
           hold: u(60) = 7.8 (1 - exp(-60/240)) + 0.5 (60/30)^2 + exp(-30/60)
             = 1.725354 + 2 + 0.606531 = 4.331885, times 30 s / 60 s = 2.165942
           balance 0.11, as the call is over by then; shift end 0; sum 59.942273

gain = 31.960 + 7.237 + 59.942 = 99.139. ana has room for one conversation (30 / 27.5), ben for
one email. Prices 3.557 at ana and 3.925 at ben leave e2 nothing: 3.557 - 3.557, 3.925 - 3.925.
Rents are 28.403 (k1), 3.312 (e1, with either) and 59.942 (v1), the slots of ana and ben 7.482:
28.403 + 3.312 + 59.942 + 7.482 = 99.139 is the bound as well, so the plan is optimal.

Beside the plan: ana is k1's owner, who sees the other one of m1 and m2. Nothing asked for can be
dropped, so nobody is at a later step. Targets are 600 s for messages and 8 h for emails: k1 has
540 s left (m1's), e1 28 700 s, e2 28 750 s, d1 28 790 s and v1 its 30 s. cai is there just in time
for v1, and ana and ben could still answer e2; nobody is suitable for d1, which is lost.
Six contacts wait, ana and ben are free and three are there: 90 (6 - 2) / 3 = 120 s to wait.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl

from models.batch import Batch, empty_batch
from models.plan import Plan
from models.policy import Policy
from models.solution import Termination
from models.tables import (
    AGENT_CHANNELS,
    AGENT_LOAD,
    AGENT_SKILLS,
    AGENTS,
    ASSIGNMENT,
    CONTACT_SKILLS,
    CONTACTS,
    CUSTOMERS,
    EXPLANATION,
    OUTLOOK,
    PRICE,
    QUEUE_MEMBERS,
    QUEUES,
    UNASSIGNED,
    Table,
)

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
POLICY = Policy()


NOTHING = (
    "priority",
    "interruption",
    "fairness",
    "declines",
    "overqualified",
    "borrowing",
    "region",
    "agent_time",
    "head_worth",
)
"""Terms that are 0 unless stated."""
QUEUE_STANDS: dict[str, object] = {
    "tick_at": NOW,
    "queue_id": "q",
    "is_open": True,
    "num_waiting": 6,
    "num_free": 2,
    "effective_agents": 3.0,
    "predicted_wait_s": 120.0,
    "lends": False,
    "num_breaching": 0,
    "num_unavoidable": 1,
    "num_manual_only": 0,
}


def ago(seconds: float) -> datetime:
    """The instant so many seconds before now."""
    return NOW - timedelta(seconds=seconds)


def rows(table: Table, *given: dict[str, object]) -> pl.DataFrame:
    """A frame of the contract; columns not given are empty."""
    empty = dict.fromkeys(table.schema())
    return pl.DataFrame([empty | row for row in given], schema=table.schema())


def contact(contact_id: str, thread: str, channel: str, age_s: float) -> dict[str, object]:
    """A contact of queue q without anything special."""
    return {
        "contact_id": contact_id,
        "conversation_id": thread,
        "queue_id": "q",
        "channel": channel,
        "entered_at": ago(age_s),
        "version": 3,
    }


def agent(agent_id: str, units: float, hours_left: float) -> dict[str, object]:
    """An available agent in the north."""
    return {
        "agent_id": agent_id,
        "presence": "available",
        "site": "north",
        "time_zone": "Europe/Madrid",
        "shift_start_at": ago(3_600),
        "shift_end_at": ago(-3_600 * hours_left),
        "capacity_units": units,
        "version": 7,
    }


def held_item(agent_id: str, contact_id: str, channel: str, ends_in_s: float) -> dict[str, object]:
    """An active item that started a minute ago."""
    return {
        "agent_id": agent_id,
        "contact_id": contact_id,
        "channel": channel,
        "state": "active",
        "started_at": ago(60),
        "expected_end_at": ago(-ends_in_s),
    }


def honest_batch() -> Batch:
    """The centre."""
    k1 = {"customer_id": "k1"}
    return replace(
        empty_batch(NOW),
        queues=rows(QUEUES, {"queue_id": "q"}),
        customers=rows(
            CUSTOMERS,
            {"customer_id": "k1", "value": 1_000.0, "tier": "gold", "owner_agent_id": "ana"},
        ),
        agents=rows(AGENTS, agent("ana", 30, 4), agent("ben", 100, 100), agent("cai", 100, 100)),
        agent_channels=rows(
            AGENT_CHANNELS,
            {"agent_id": "ana", "channel": "messaging", "max_items": 1},
            {"agent_id": "ana", "channel": "email", "max_items": 1},
            {"agent_id": "ben", "channel": "email", "max_items": 1},
            {"agent_id": "ben", "channel": "social", "max_items": 1},
            {"agent_id": "cai", "channel": "voice", "max_items": 1},
        ),
        agent_skills=rows(
            AGENT_SKILLS, {"agent_id": "ana", "skill": "billing", "proficiency": 10}
        ),
        agent_load=rows(AGENT_LOAD, held_item("cai", "call", "voice", 30)),
        queue_members=rows(QUEUE_MEMBERS, *(_member(name) for name in ("ana", "ben", "cai"))),
        contacts=rows(
            CONTACTS,
            contact("m1", "t1", "messaging", 60) | k1,
            contact("m2", "t2", "email", 60) | k1,
            contact("e1", "t3", "email", 100) | {"value": 500.0},
            contact("e2", "t4", "email", 50),
            contact("v1", "t5", "voice", 0) | {"due_at": ago(-30)},
            contact("d1", "t6", "email", 10) | {"language": "de"},
        ),
        contact_skills=rows(
            CONTACT_SKILLS, {"contact_id": "m2", "skill": "billing", "min_proficiency": 5}
        ),
    )


def honest_plan() -> Plan:
    """Its best plan."""
    return Plan(
        tick_at=NOW,
        assignments=rows(
            ASSIGNMENT,
            _assignment("m1", "t1", "messaging", "ana")
            | {"customer_id": "k1", "seen_before": True, "num_context": 1}
            | {"units": 25 + 0.25 * 10, "gain": 31.96},
            _assignment("m2", "t2", "email", "ana")
            | {"customer_id": "k1", "seen_before": True, "num_context": 1}
            | {"is_lead": False, "units": 0.0, "gain": 0.0},
            _assignment("e1", "t3", "email", "ben")
            | {"seen_before": False, "num_context": 0}
            | {"units": 10.0, "gain": 7.237},
        ),
        unassigned=rows(
            UNASSIGNED,
            _waits("e2", "t4", "unassigned", "lost_to", "ben"),
            _waits("v1", "t5", "held", "held_for", "cai"),
            _waits("d1", "t6", "unassigned", "language_missing", None),
        ),
        explanations=rows(
            EXPLANATION,
            _explained("m1", "t1", "assigned", "best_match", "ana", 28.403, 540)
            | _terms(31.96, 22.1, 8.917397, 1.2, 0.0, -0.367879, 0.0),
            _explained("m2", "t2", "assigned", "best_match", "ana", 28.403, 540),
            _explained("e1", "t3", "assigned", "best_match", "ben", 3.312, 28_700)
            | _terms(7.237, 7.1, 0.024921, 0.0, 0.0, 0.0, 0.0)
            | {"priority": 0.002},
            _explained("e2", "t4", "unassigned", "lost_to", None, 0.0, 28_750),
            _explained("v1", "t5", "held", "held_for", "cai", 59.942, 30)
            | _terms(59.942, 3.8, 58.198216, 0.0, 0.0, 0.0, -2.165942),
            _explained("d1", "t6", "unassigned", "language_missing", None, 0.0, 28_790)
            | {"unavoidable": True},
        ),
        prices=rows(
            PRICE,
            _price("ana", "messaging", 1, 3.557),
            _price("ana", "email", 1, 3.557),
            _price("ben", "email", 1, 3.925),
            _price("ben", "social", 1, 3.925),
            _price("cai", "voice", 1, 0.0),
        ),
        site_prices=pl.DataFrame(schema={"site": pl.String, "price": pl.Float64}),
        gain_milli=99_139,
        bound_milli=99_139,
        greedy_milli=99_139,
        termination=Termination.OPTIMAL,
        limit=None,
        backend="hand",
        policy_digest=POLICY.digest(),
        outlook=rows(OUTLOOK, QUEUE_STANDS),
    )


def _member(agent_id: str) -> dict[str, object]:
    return {"queue_id": "q", "agent_id": agent_id}


def _assignment(contact_id: str, thread: str, channel: str, agent_id: str) -> dict[str, object]:
    return {
        "tick_at": NOW,
        "event_at": NOW,
        "event": "offered",
        "contact_id": contact_id,
        "contact_version": 3,
        "conversation_id": thread,
        "queue_id": "q",
        "channel": channel,
        "agent_id": agent_id,
        "agent_version": 7,
        "is_lead": True,
        "is_borrowed": False,
    }


def _waits(
    contact_id: str, thread: str, decision: str, reason: str, agent_id: str | None
) -> dict[str, object]:
    return {
        "tick_at": NOW,
        "contact_id": contact_id,
        "conversation_id": thread,
        "decision": decision,
        "reason": reason,
        "agent_id": agent_id,
        "detail": "",
    }


def _explained(
    contact_id: str,
    thread: str,
    decision: str,
    reason: str,
    agent_id: str | None,
    rent: float,
    left_s: float,
) -> dict[str, object]:
    return _waits(contact_id, thread, decision, reason, agent_id) | {
        "rent": rent,
        "step": 0,
        "breach_at": ago(-left_s),
        "unavoidable": False,
    }


def _terms(gain: float, *terms: float) -> dict[str, object]:
    names = ("match", "value_at_risk", "stickiness", "shift_end", "handover", "hold")
    given = dict(zip(names, terms, strict=True))
    return {**dict.fromkeys(NOTHING, 0.0), **given, "gain": gain, "balance": 0.11}


def _price(agent_id: str, channel: str, free_slots: int, price: float) -> dict[str, object]:
    return {
        "tick_at": NOW,
        "agent_id": agent_id,
        "channel": channel,
        "free_slots": free_slots,
        "lane_price": 0.0,
        "agent_price": price,
        "site_price": 0.0,
    }
