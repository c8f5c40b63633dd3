"""What is wrong with a policy for this centre: who can never be served, and what has no effect.

Looks at the tables of a snapshot: requirements that no agent meets, queues that nobody works,
steps that end before an offer could be answered. Presence, load and hours do not count here:
these findings hold whoever is there.
"""

from collections.abc import Callable, Iterator

import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.policy_check import PolicyFinding, Severity, few_findings
from models.proficiency import LANGUAGE_PREFIX
from models.reference_check import (
    calendars_open,
    helpers_can_lend,
    ids_are_known,
    names_are_known,
    profiles_have_limits,
)
from models.tables import Channel, Importance


def check_centre(policy: Policy, batch: Batch) -> tuple[PolicyFinding, ...]:
    """Everything that keeps contacts of this snapshot waiting for ever, errors first."""
    found = [finding for check in CHECKS for finding in check(policy, batch)]
    return tuple(sorted(found, key=lambda finding: finding.severity is not Severity.ERROR))


def somebody_has_the_skills(policy: Policy, batch: Batch) -> Iterator[PolicyFinding]:
    """For every combination of skills that is never relaxed, an agent has it."""
    needs = _lasting_needs(policy, batch)
    kinds = (
        needs.sort("contact_id", "skill")
        .group_by("contact_id", maintain_order=True)
        .agg(wanted=pl.format("{} at {}", "skill", "min_proficiency").str.join(", "))
        .group_by("wanted")
        .agg(pl.col("contact_id").min(), num=pl.len())
    )
    asked = needs.join(kinds.select("contact_id", "wanted", "num"), on="contact_id")
    met = (
        asked.join(batch.agent_skills, on="skill", how="left")
        .filter(pl.col("proficiency") >= pl.col("min_proficiency"))
        .group_by("wanted", "agent_id")
        .agg(met=pl.len())
    )
    best = met.group_by("wanted").agg(pl.col("met").max())
    lacking = (
        asked.group_by("wanted")
        .agg(size=pl.len(), num=pl.col("num").first())
        .join(best, on="wanted", how="left")
        .with_columns(pl.col("met").fill_null(0))
        .filter(pl.col("met") < pl.col("size"))
        .sort("num", "wanted", descending=[True, False])
    )
    yield from few_findings(
        lacking,
        lambda row: PolicyFinding(
            Severity.ERROR,
            "nobody_has_the_skills",
            f"contact_skills {row['wanted']}",
            f"{row['num']} contacts ask for it and no agent has all of it (the best has"
            f" {row['met']} of {row['size']}): train somebody, or let a skill be relaxed",
        ),
    )


def steps_can_be_tried(policy: Policy, batch: Batch) -> Iterator[PolicyFinding]:
    """A step lasts for two ticks and an offer."""
    steps = (
        batch.contact_steps.group_by("contact_id", "step")
        .agg(pl.col("expires_s").max())
        .join(batch.contacts.select("contact_id", "queue_id", "channel"), on="contact_id")
        .rename({"expires_s": "lasts_s"})
        .select("queue_id", "channel", "lasts_s", where=pl.lit("contact_steps of"))
    )
    queues = (
        batch.contacts.select("queue_id", "channel")
        .unique()
        .join(batch.queues, on="queue_id")
        .select("queue_id", "channel", lasts_s="relax_after_s", where=pl.lit("relax_after_s of"))
    )
    short = (
        pl.concat([steps, queues])
        .with_columns(least_s=_by_channel(policy, lambda n: 2 * policy.tick_s + n))
        .filter(pl.col("lasts_s") < pl.col("least_s"))
        .group_by("where", "queue_id", "channel", "least_s")
        .agg(pl.col("lasts_s").min(), num=pl.len())
        .sort("where", "queue_id", "channel")
    )
    yield from few_findings(
        short,
        lambda row: PolicyFinding(
            Severity.ERROR,
            "expires_too_soon",
            f"{row['where']} {row['queue_id']}, {row['channel']}",
            f"{row['lasts_s']:g} s is over before an offer can be answered; expected at least"
            f" 2 * tick_s + accept_timeout_s = {row['least_s']:g} s: raise it",
        ),
    )


def queues_are_worked(policy: Policy, batch: Batch) -> Iterator[PolicyFinding]:
    """Somebody may take the contacts of every queue, by channel."""
    del policy
    waiting = batch.contacts.group_by("queue_id", "channel").agg(num=pl.len())
    serves = batch.agent_channels.filter(pl.col("max_items") > 0)
    by_member = (
        batch.queue_members.join(serves, on="agent_id").select("queue_id", "channel").unique()
    )
    listed = batch.queue_members.select("queue_id").unique()
    everybody = serves.select("channel").unique()
    unserved = pl.concat(
        [
            waiting.join(listed, on="queue_id", how="semi").join(
                by_member, on=("queue_id", "channel"), how="anti"
            ),
            waiting.join(listed, on="queue_id", how="anti").join(
                everybody, on="channel", how="anti"
            ),
        ]
    ).sort("num", "queue_id", "channel", descending=[True, False, False])
    yield from few_findings(
        unserved,
        lambda row: PolicyFinding(
            Severity.ERROR,
            "nobody_serves_the_channel",
            f"queue {row['queue_id']}, {row['channel']}",
            f"{row['num']} contacts wait and no agent of the queue serves the channel:"
            " add one to queue_members or agent_channels",
        ),
    )


def queues_without_members_require_something(
    policy: Policy, batch: Batch
) -> Iterator[PolicyFinding]:
    """A queue without members is nobody's for contacts that require nothing."""
    del policy
    open_to_all = (
        batch.contacts.join(batch.queue_members, on="queue_id", how="anti")
        .join(batch.contact_skills, on="contact_id", how="anti")
        .join(batch.contact_steps, on="contact_id", how="anti")
        .filter(pl.col("language").is_null())
        .group_by("queue_id")
        .agg(num=pl.len())
        .sort("num", "queue_id", descending=[True, False])
    )
    yield from few_findings(
        open_to_all,
        lambda row: PolicyFinding(
            Severity.ERROR,
            "queue_of_nobody",
            f"queue {row['queue_id']}",
            f"{row['num']} contacts require no skill and the queue has no members, so nobody may"
            " take them: list its members",
        ),
    )


def channels_fit_their_agents(policy: Policy, batch: Batch) -> Iterator[PolicyFinding]:
    """An agent who serves a channel has units enough for one of its contacts."""
    extra = {channel.value: numbers.extra_units for channel, numbers in policy.channels.items()}
    units = {channel.value: numbers.units for channel, numbers in policy.channels.items()}
    small = (
        batch.agent_channels.filter(pl.col("max_items") > 0)
        .join(batch.agents.select("agent_id", "capacity_units"), on="agent_id")
        .filter(
            pl.col("capacity_units") + pl.col("channel").replace_strict(extra)
            < pl.col("channel").replace_strict(units)
        )
        .group_by("channel")
        .agg(pl.col("agent_id").min(), num=pl.len())
        .sort("channel")
    )
    yield from few_findings(
        small,
        lambda row: PolicyFinding(
            Severity.WARNING,
            "agent_too_small",
            f"agent_channels {row['channel']}",
            f"{row['num']} agents serve it with fewer capacity_units than one contact takes,"
            f" first {row['agent_id']}: they never get one",
        ),
    )


CHECKS: tuple[Callable[[Policy, Batch], Iterator[PolicyFinding]], ...] = (
    somebody_has_the_skills,
    steps_can_be_tried,
    queues_are_worked,
    queues_without_members_require_something,
    calendars_open,
    helpers_can_lend,
    names_are_known,
    ids_are_known,
    profiles_have_limits,
    channels_fit_their_agents,
)


def _lasting_needs(policy: Policy, batch: Batch) -> pl.DataFrame:
    """(contact_id, skill, min_proficiency) of what is never relaxed, languages included."""
    lasting = pl.col("importance").is_null() | (pl.col("importance") == Importance.REQUIRED.value)
    languages = batch.contacts.filter(pl.col("language").is_not_null()).select(
        "contact_id",
        skill=pl.lit(LANGUAGE_PREFIX) + pl.col("language"),
        min_proficiency=pl.lit(policy.min_language_proficiency, pl.Int64),
    )
    skills = batch.contact_skills.filter(lasting).drop("importance")
    return pl.concat([skills.select(languages.columns), languages])


def _by_channel(policy: Policy, least: Callable[[float], float]) -> pl.Expr:
    table = {
        channel.value: least(policy.channels[channel].accept_timeout_s) for channel in Channel
    }
    return pl.col("channel").replace_strict(table, return_dtype=pl.Float64)
