"""Contacts to conversations: all pending contacts of one party are one unit of the model.

Follows `docs/model.md` section 1. Conversations are sorted by party, so positions do not depend on
the order of rows.
"""

from dataclasses import dataclass

import polars as pl

from models.batch import Batch
from models.columns import LIVE, UNIT_DECIMALS, with_facts
from models.members import preferred_agents, profile_names
from models.needs import Asked, Needs, needs_of
from models.overflow import HELPER_SEPARATOR, Overflow
from models.parts import in_conversations
from models.policy import Policy
from models.priority import STARVED_TIERS, boosts, tier_of
from models.proficiency import LANGUAGE_PREFIX
from models.tables import Channel, OverflowWhen

CLASS_KEY = (
    "queue_id",
    "helpers",
    "lane_idx",
    "channels",
    "requirements",
    "steps",
    "named",
    "first_steps",
    "units",
    "is_open",
    "customer_open",
    "may_hold",
    "paused",
    "manual_only",
    "urgent",
    "is_starved",
    "follower",
)
"""What decides who may serve a conversation; conversations that agree on it are one class."""

_CLASS_FACTS = (
    "lane",
    "channel",
    "channel_idx",
    "profiles",
    "real_time",
    "handle_s",
    "any_live",
    "has_requirement",
)
"""What follows from the key."""


@dataclass(frozen=True, eq=False)
class Conversations:
    """The conversations of a batch, their members, requirements and classes.

    `units`: one row per conversation, in position order (`conversation_idx`).
    `members`: one row per contact, sorted by conversation, the lead first.
    `lanes`: (lane_idx, channel_idx, channel, profiles), the channels without profiles first.
    `classes`: one row per class (`class_idx`): `CLASS_KEY` and what follows from it.
    `requirements`: (class_idx, skill, min_proficiency, is_language, from_skills), sorted.
    `named`: (class_idx, skill), skills that count for the match.
    `steps`: (class_idx, group, alternative, skill, min_proficiency): of every group one of the
    alternatives must hold, and of that every skill.
    `first_steps`: (class_idx, group, num, alternative, skill, min_proficiency): steps that count
    for the match, each for `num` members.
    `helping`: (class_idx, to_queue_id), queues whose members may help.
    """

    units: pl.DataFrame
    members: pl.DataFrame
    lanes: pl.DataFrame
    classes: pl.DataFrame
    requirements: pl.DataFrame
    named: pl.DataFrame
    steps: pl.DataFrame
    first_steps: pl.DataFrame
    helping: pl.DataFrame


def build_conversations(
    batch: Batch,
    policy: Policy,
    parted: pl.DataFrame,
    asked: Asked,
    overflow: Overflow,
) -> Conversations:
    """Conversations with their clocks, targets, customers and classes.

    Of contacts with the `part` that each belongs to (`models/parts.py`) and what they ask for.
    """
    members = with_facts(in_conversations(parted), asked.progress, "contact_id")
    needs = needs_of(asked, members)
    units = _units(members, policy)
    helping = _helping(units, overflow)
    lanes = _lanes(units)
    units = with_facts(
        _with_signatures(_in_lanes(units, lanes), needs, helping),
        preferred_agents(batch, members),
        "conversation_idx",
    ).with_columns(
        pl.col("requirements", "steps", "named", "first_steps", "helpers").fill_null(""),
        pl.col("preferred_by_window").fill_null(value=False),
    )
    units = units.with_columns(
        has_requirement=(pl.col("requirements") != "") | (pl.col("steps") != "")
    )
    units = units.with_columns(*_class_and_line()).sort("conversation_idx")
    first = units.unique("class_idx", keep="first", maintain_order=True)
    return Conversations(
        units=units,
        members=members,
        lanes=lanes,
        classes=first[["class_idx", *CLASS_KEY, *_CLASS_FACTS]].sort("class_idx"),
        requirements=_of_classes(
            first,
            needs.plain.with_columns(is_language=pl.col("skill").str.starts_with(LANGUAGE_PREFIX)),
        ),
        named=_of_classes(first, needs.named),
        steps=_of_classes(first, _spelt_out(needs.steps[["conversation_idx", "group"]], needs)),
        first_steps=_of_classes(first, _spelt_out(needs.first_steps, needs)),
        helping=_of_classes(first, helping),
    )


def _spelt_out(steps: pl.DataFrame, needs: Needs) -> pl.DataFrame:
    """The steps with their alternatives, skills and levels."""
    if not steps.is_empty():
        return steps.join(needs.groups, on="group")
    types = steps.schema | needs.groups.schema
    return pl.DataFrame(schema=types)


def _class_and_line() -> tuple[pl.Expr, ...]:
    """`class_idx`, and the size of the line (queue and channel) and the place in it."""
    line = ("queue_id", "channel_idx")
    came = pl.struct("clock", "lead_contact_id").rank("ordinal").over(line).cast(pl.Int64)
    return (
        (pl.struct(CLASS_KEY).rank("dense").cast(pl.Int64) - 1).alias("class_idx"),
        pl.len().over(line).alias("line_size"),
        (came - 1).alias("line_place"),
    )


def _units(members: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    units = members.group_by("conversation_idx", maintain_order=True).agg(
        *_of_lead(), *_of_members(policy), *_urgency_of_members(policy)
    )
    urgent = pl.col("real_time") & pl.col("impatient")
    return (
        with_facts(units, profile_names(members), "conversation_idx")
        .with_columns(
            pl.col("profiles").fill_null(""),
            *boosts(policy),
            may_hold=pl.col("in_time_to_hold") & (pl.col("starved") <= 1),
            tier_idx=tier_of(pl.col("starved"), pl.col("priority"), policy),
            urgent=urgent,
            urgent_clock=pl.when(urgent).then("clock"),
        )
        .with_columns(is_starved=pl.col("tier_idx").is_in(STARVED_TIERS))
        .drop("impatient", "in_time_to_hold")
    )


def _of_lead() -> tuple[pl.Expr, ...]:
    return (
        pl.col("party", "queue_id", "is_open", "channel_idx", "channel", "real_time").first(),
        pl.col("handle_s", "tier", "health", "owner_agent_id", "follower").first(),
        pl.col("contact_id").first().alias("lead_contact_id"),
        pl.col("channel").first().alias("lane"),
    )


def _of_members(policy: Policy) -> tuple[pl.Expr, ...]:
    weight = pl.col("channel_units")
    units = pl.min_horizontal(
        weight.first() + policy.extra_contact_share * (weight.sum() - weight.first()),
        pl.max_horizontal(weight.first(), pl.lit(policy.most_extra_units)),
    )
    value = pl.coalesce(
        pl.col("value").max(), pl.col("customer_value").first(), pl.lit(policy.default_value)
    )
    return (
        pl.col("paused", "manual_only").any(),
        pl.col("hold_until").max(),
        pl.col("member_open").all().alias("customer_open"),
        pl.col("channel").unique().sort().str.join(",").alias("channels"),
        pl.col("channel").is_in(LIVE).any().alias("any_live"),
        units.round(UNIT_DECIMALS).alias("units"),
        value.alias("value"),
        pl.col("escalated").fill_null(value=False).any(),
        pl.col("sentiment").min().fill_null(0.0),
    )


def _urgency_of_members(policy: Policy) -> tuple[pl.Expr, ...]:
    slack_s = pl.col("target_s") - pl.col("wait_s")
    least_hold_s = 2 * policy.tick_s + pl.col("accept_timeout_s")
    impatient = pl.col("wait_s") > policy.drain_share * pl.col("target_s")
    return (
        pl.col("clock", "priority").min(),
        pl.col("starved", "step").max(),
        pl.col("relaxes_at").min(),
        pl.col("wait_s").max().alias("waited_s"),
        slack_s.min().alias("least_left_s"),
        (slack_s >= least_hold_s).all().alias("in_time_to_hold"),
        pl.when(~(slack_s <= 0).any()).then(pl.col("breach_at").min()).alias("breach_at"),
        impatient.any().alias("impatient"),
    )


_PLAIN_LANES = pl.DataFrame(
    {
        "lane_idx": range(len(Channel)),
        "channel_idx": range(len(Channel)),
        "channel": [channel.value for channel in Channel],
        "profiles": [""] * len(Channel),
    },
    schema={
        "lane_idx": pl.Int32,
        "channel_idx": pl.Int32,
        "channel": pl.String,
        "profiles": pl.String,
    },
)


def _lanes(units: pl.DataFrame) -> pl.DataFrame:
    if not (units["profiles"] != "").any():
        return _PLAIN_LANES
    plain = _PLAIN_LANES.drop("lane_idx")
    others = units.filter(pl.col("profiles") != "").select(plain.columns).unique()
    lanes = pl.concat([plain, others.sort("channel_idx", "profiles")])
    return lanes.with_row_index("lane_idx").with_columns(pl.col("lane_idx").cast(pl.Int32))


def _in_lanes(units: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    if len(lanes) == len(_PLAIN_LANES):
        return units.with_columns(lane_idx="channel_idx")
    return units.join(lanes.select("lane_idx", "channel", "profiles"), on=["channel", "profiles"])


def _helping(units: pl.DataFrame, overflow: Overflow) -> pl.DataFrame:
    """(conversation_idx, to_queue_id), sorted, each once."""
    if overflow.open_rows.is_empty():
        return pl.DataFrame(
            schema={"conversation_idx": units.schema["conversation_idx"], "to_queue_id": pl.String}
        )
    condition = pl.col("condition")
    waits = (condition != OverflowWhen.WAITED.value) | (pl.col("waited_s") > pl.col("threshold"))
    for_all = pl.col("row_tier").is_null()
    return (
        units.select("conversation_idx", "queue_id", "tier", "waited_s")
        .join(overflow.open_rows.rename({"tier": "row_tier"}), on="queue_id")
        .filter(waits & (for_all | (pl.col("row_tier") == pl.col("tier"))))
        .select("conversation_idx", "to_queue_id")
        .unique()
        .sort("conversation_idx", "to_queue_id")
    )


def _with_signatures(units: pl.DataFrame, needs: Needs, helping: pl.DataFrame) -> pl.DataFrame:
    """The conversations with `requirements`, `steps`, `named`, `first_steps` and `helpers`: equal
    texts where the lists are, null where they are empty.
    """
    requirement = pl.format("{}\x1f{}", "skill", "min_proficiency")
    listed = (
        _joined(needs.plain, "requirements", requirement, "\x1e"),
        _joined(needs.steps, "steps", pl.col("group").cast(pl.String), ","),
        _joined(needs.named, "named", pl.col("skill"), "\x1e"),
        _joined(needs.first_steps, "first_steps", pl.format("{}:{}", "group", "num"), ","),
        _joined(helping, "helpers", pl.col("to_queue_id"), HELPER_SEPARATOR),
    )
    for texts in listed:
        units = with_facts(units, texts, "conversation_idx")
    return units


def _joined(rows: pl.DataFrame, name: str, item: pl.Expr, between: str) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame(schema={"conversation_idx": pl.UInt32, name: pl.String})
    return rows.group_by("conversation_idx", maintain_order=True).agg(
        item.str.join(between).alias(name)
    )


def _of_classes(first: pl.DataFrame, lists: pl.DataFrame) -> pl.DataFrame:
    """The list of each class is that of any of its conversations."""
    columns = ["class_idx", *(name for name in lists.columns if name != "conversation_idx")]
    if lists.is_empty():
        types = first.schema | lists.schema
        return pl.DataFrame(schema={name: types[name] for name in columns})
    of_first = first[["class_idx", "conversation_idx"]].join(lists, on="conversation_idx")
    return of_first[columns].sort(columns)
