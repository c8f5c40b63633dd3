"""Checks of the rows of a plan: every contact once, copied truly, whole conversations."""

from collections.abc import Iterator

import polars as pl

from models.plan import Finding, Reason
from models.recount.case import Case, differing, findings
from models.tables import AssignmentEvent, Decision

HELD = (Reason.HELD_FOR, Reason.HELD_FOR_PREFERRED)


def same_tick(case: Case) -> Iterator[Finding]:
    """Plan and rows carry the instant of the batch."""
    frames = (
        case.plan.assignments,
        case.plan.unassigned,
        case.plan.explanations,
        case.plan.prices,
    )
    instants = pl.concat(frame["tick_at"] for frame in frames).append(
        case.plan.assignments["event_at"]
    )
    wrong = instants.filter(instants.ne_missing(case.batch.now)).to_list()
    if case.plan.tick_at != case.batch.now:
        wrong.append(case.plan.tick_at)
    yield from findings("tick_at", f"an instant other than {case.batch.now}", wrong)


def same_policy(case: Case) -> Iterator[Finding]:
    """The plan was made with this policy."""
    stated, expected = case.plan.policy_digest, case.policy.digest()
    if stated != expected:
        yield Finding("policy_digest", f"plan states {stated}, the policy is {expected}")


def every_contact_once(case: Case) -> Iterator[Finding]:
    """Every pending contact is assigned or unassigned, once."""
    seen = case.decided.group_by("contact_id").len()
    pending = case.batch.contacts.select("contact_id")
    missing = pending.join(seen, on="contact_id", how="anti")["contact_id"]
    yield from findings("contact_missing", "contact without a decision", missing)
    double = seen.filter(pl.col("len") > 1)["contact_id"].sort()
    yield from findings("contact_twice", "contact decided more than once", double)


def contacts_exist(case: Case) -> Iterator[Finding]:
    """No row is about a contact that does not wait."""
    unknown = case.decided.join(case.batch.contacts, on="contact_id", how="anti")["contact_id"]
    yield from findings("contact_unknown", "contact that is not pending", unknown)


def agents_exist(case: Case) -> Iterator[Finding]:
    """Every agent named is in the batch."""
    named = pl.concat([case.plan.assignments["agent_id"], case.plan.unassigned["agent_id"]])
    unknown = named.drop_nulls().filter(
        ~named.drop_nulls().is_in(case.agents.ids["agent_id"].implode())
    )
    yield from findings("agent_unknown", "agent that is not in the batch", unknown)


def decision_has_reason(case: Case) -> Iterator[Finding]:
    """Decision, reason and agent of a waiting contact fit together."""
    held = pl.col("decision") == Decision.HELD
    waiting = pl.col("decision") == Decision.UNASSIGNED
    named = pl.col("reason").is_in([reason.value for reason in HELD])
    others = [r.value for r in Reason if r not in {*HELD, Reason.BEST_MATCH}]
    fits = (held & named & pl.col("agent_id").is_not_null()) | (
        waiting & pl.col("reason").is_in(others)
    )
    wrong = case.plan.unassigned.filter(~fits.fill_null(value=False))
    yield from findings(
        "decision_reason", "decision without its reason or agent", _labels(wrong, "reason")
    )


def facts_copied(case: Case) -> Iterator[Finding]:
    """Versions, channel, queue, conversation and customer are those of the batch."""
    rows = case.plan.assignments.join(
        case.batch.contacts.with_columns(contact_version="version"),
        on="contact_id",
        suffix="_true",
    )
    copied = ["conversation_id", "customer_id", "queue_id", "channel"]
    wrong = differing(rows, [*copied, "contact_version"], "_true")
    yield from findings("contact_facts", "value that differs from the contact's", wrong)
    agents = case.agents.ids.select("agent_id", agent_version_true="version")
    wrong = differing(
        case.plan.assignments.join(agents, on="agent_id"), ["agent_version"], "_true"
    )
    yield from findings("agent_version", "version that differs from the agent's", wrong)
    events = case.plan.assignments.filter(pl.col("event").ne_missing(AssignmentEvent.OFFERED))
    yield from findings("event", "assignment that is no offer", events["contact_id"])


def units_copied(case: Case) -> Iterator[Finding]:
    """The lead carries the units of its conversation, followers none."""
    c = case.conversations
    members = c.members.select(
        "contact_id",
        units_true=pl.when("is_lead").then(pl.Series(c.units[c.of_member])).otherwise(0.0),
    )
    rows = case.plan.assignments.join(members, on="contact_id")
    same = (pl.col("units") - pl.col("units_true")).abs() < 1e-6
    wrong = rows.filter(~same.fill_null(value=False))["contact_id"]
    yield from findings("units", "contact with other units than its conversation's", wrong)


def conversation_stays_whole(case: Case) -> Iterator[Finding]:
    """The contacts of a conversation all go to one agent or none, for one reason."""
    split = (
        case.known.group_by("conversation")
        .agg(pl.struct("decision", "reason", "agent_id").n_unique(), pl.col("contact_id").min())
        .filter(pl.col("decision") > 1)["contact_id"]
        .sort()
    )
    yield from findings("party_split", "conversation decided in parts", split)


def lead_marked(case: Case) -> Iterator[Finding]:
    """The lead of a conversation is marked, and nobody else; followers gain nothing."""
    members = case.conversations.members.select("contact_id", is_lead_true="is_lead")
    rows = case.plan.assignments.join(members, on="contact_id")
    yield from findings("lead", "contact wrongly marked", differing(rows, ["is_lead"], "_true"))
    gaining = rows.filter(~pl.col("is_lead_true") & pl.col("gain").ne_missing(0.0))
    yield from findings("follower_gain", "follower with a gain", gaining["contact_id"])


def every_contact_explained(case: Case) -> Iterator[Finding]:
    """Every contact has one explanation, which tells the decision that was taken."""
    told = case.plan.explanations
    seen = told.group_by("contact_id").len()
    lacking = case.decided.join(seen, on="contact_id", how="anti")["contact_id"]
    yield from findings("explanation_missing", "contact without explanation", lacking)
    twice = seen.filter(pl.col("len") > 1)["contact_id"].sort()
    yield from findings("explanation_twice", "contact with several explanations", twice)
    unknown = told.join(case.decided, on="contact_id", how="anti")["contact_id"]
    yield from findings("explanation_unknown", "explanation without a decision", unknown)
    rows = told.join(case.decided, on="contact_id", suffix="_true").with_columns(
        agent_id_true=pl.coalesce("agent_id_true", "agent_id")  # who waits may name any agent
    )
    wrong = differing(rows, ["decision", "reason", "agent_id"], "_true")
    yield from findings("explanation_decision", "explanation of another decision", wrong)


def _labels(rows: pl.DataFrame, column: str) -> pl.Series:
    value = pl.col(column).fill_null("nothing")
    return rows.select(pl.col("contact_id") + " " + value).to_series()
