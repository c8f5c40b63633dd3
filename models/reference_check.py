"""Names in a policy and in the tables of a centre that lead nowhere, or to nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.policy_check import FIRST_FEW, PolicyFinding, Severity, few_findings
from models.proficiency import AGENT_PREFIX
from models.tables import (
    AGENT_PREFERENCES,
    AGENT_QUOTAS,
    AGENTS,
    CALENDARS,
    CONTACT_STEPS,
    CONTACTS,
    CUSTOMER_AGENTS,
    CUSTOMERS,
    HOLIDAYS,
    QUEUE_MEMBERS,
    QUEUES,
    Table,
)


def calendars_open(policy: Policy, batch: Batch) -> Iterator[PolicyFinding]:
    """A calendar that a queue names has openings."""
    del policy
    never = (
        batch.queues.filter(pl.col("calendar_id").is_not_null())
        .join(batch.calendars, on="calendar_id", how="anti")
        .sort("queue_id")
    )
    yield from few_findings(
        never,
        lambda row: PolicyFinding(
            Severity.ERROR,
            "never_open",
            f"queue {row['queue_id']}",
            f"its calendar {row['calendar_id']} has no opening, so it is always closed: add rows"
            " to calendars, or leave calendar_id empty",
        ),
    )


def helpers_can_lend(policy: Policy, batch: Batch) -> Iterator[PolicyFinding]:
    """A queue that others overflow to has members and a forecast."""
    del policy
    members = batch.queue_members.select("queue_id").unique().with_columns(has_members=True)
    no_forecast, no_members = pl.col("arrivals_per_h").is_null(), pl.col("has_members").is_null()
    mute = (
        batch.overflow.group_by(queue_id="to_queue_id")
        .agg(borrower=pl.col("queue_id").min(), num=pl.col("queue_id").n_unique())
        .join(batch.queues, on="queue_id")
        .join(members, on="queue_id", how="left")
        .filter(no_forecast | no_members)
        .with_columns(
            lacks=pl.concat_str(
                pl.when(no_forecast).then(pl.lit("its arrivals_per_h in queues is empty")),
                pl.when(no_members).then(pl.lit("it has no rows in queue_members")),
                separator=", and ",
                ignore_nulls=True,
            ),
            remedy=pl.concat_str(
                pl.when(no_forecast).then(pl.lit("set it to the contacts expected in an hour")),
                pl.when(no_members).then(pl.lit("list its members")),
                separator=", and ",
                ignore_nulls=True,
            ),
        )
        .sort("queue_id")
    )
    yield from few_findings(
        mute,
        lambda row: PolicyFinding(
            Severity.WARNING,
            "never_lends",
            f"queue {row['queue_id']}",
            f"it never helps {row['borrower']}{_others(row['num'] - 1)}, which overflow names it"
            f" for, because {row['lacks']}: {row['remedy']}",
        ),
    )


def names_are_known(policy: Policy, batch: Batch) -> Iterator[PolicyFinding]:
    """What the policy names is in the tables."""
    queues = set(batch.queues["queue_id"])
    sites = set(batch.agents["site"])
    for number, boost in enumerate(policy.boosts):
        if boost.queue_id and boost.queue_id not in queues:
            yield _unknown(f"boosts[{number}]", f"queue {boost.queue_id}", queues)
    for queue in policy.prices.abandonment_ceilings:
        if queue not in queues:
            yield _unknown("prices.abandonment_ceilings", f"queue {queue}", queues)
    for site in policy.site_caps:
        if site not in sites:
            yield _unknown("site_caps", f"site {site}", sites)


def ids_are_known(policy: Policy, batch: Batch) -> Iterator[PolicyFinding]:
    """Ids that no contract keeps to their tables: a source may name who is not there today.

    Such a row has no effect. One may be meant; many are a misspelt name or another kind of id.
    """
    del policy
    for naming in NAMINGS:
        named = _ids_named(naming, batch)
        rows: pl.DataFrame = getattr(batch, naming.of.name)
        unknown = named.filter(~pl.col("id").is_in(rows[naming.of.key[0]].implode()))
        if not unknown.is_empty():
            few = ", ".join(unknown["id"].unique().sort().head(FIRST_FEW))
            yield PolicyFinding(
                Severity.WARNING,
                "unknown_id",
                f"{naming.table.name}.{naming.column}",
                f"{len(unknown):,} of {len(named):,} rows name {unknown['id'].n_unique():,} that"
                f" are not in {naming.of.name}, such as {few}: they have no effect; correct the"
                " ids, or let it be where they are merely not there today",
            )


def profiles_have_limits(policy: Policy, batch: Batch) -> Iterator[PolicyFinding]:
    """A profile that contacts carry limits somebody."""
    carried = (
        batch.contacts.select(profile=pl.col("profiles").str.split(","))
        .explode("profile")
        .select(pl.col("profile").str.strip_chars())
        .filter(pl.col("profile").str.len_chars() > 0)
        .group_by("profile")
        .agg(num=pl.len())
        .join(batch.agent_profiles, on="profile", how="anti")
        .filter(~pl.col("profile").is_in(list(policy.profiles)))
        .sort("profile")
    )
    yield from few_findings(
        carried,
        lambda row: PolicyFinding(
            Severity.WARNING,
            "profile_without_limit",
            f"profile {row['profile']}",
            f"{row['num']} contacts carry it and nobody has a limit for it: add it to"
            " [policy.profiles] or agent_profiles",
        ),
    )


@dataclass(frozen=True)
class _Naming:
    """A column of ids that may name what is not in the snapshot."""

    table: Table
    column: str
    of: Table
    prefix: str = ""
    """Of the values that are ids of this kind."""


NAMINGS = (
    _Naming(QUEUE_MEMBERS, "agent_id", AGENTS),
    _Naming(HOLIDAYS, "calendar_id", CALENDARS),
    _Naming(CUSTOMERS, "owner_agent_id", AGENTS),
    _Naming(CUSTOMER_AGENTS, "agent_id", AGENTS),
    _Naming(AGENT_QUOTAS, "mentor_agent_id", AGENTS),
    _Naming(AGENT_PREFERENCES, "subject", QUEUES, "queue:"),
    _Naming(CONTACT_STEPS, "skill", AGENTS, AGENT_PREFIX),
    _Naming(CONTACTS, "last_agent_id", AGENTS),
    _Naming(CONTACTS, "resolver_agent_id", AGENTS),
)


def _ids_named(naming: _Naming, batch: Batch) -> pl.DataFrame:
    """(id) of every row whose column names one."""
    rows: pl.DataFrame = getattr(batch, naming.table.name)
    named = pl.col(naming.column)
    return rows.filter(named.str.starts_with(naming.prefix)).select(
        id=named.str.strip_prefix(naming.prefix)
    )


def _others(number: int) -> str:
    return f" and {number} other{'s' if number > 1 else ''}" if number else ""


def _unknown(where: str, what: str, known: set[str]) -> PolicyFinding:
    few = ", ".join(sorted(known)[:FIRST_FEW]) or "none"
    detail = f"{what} is not in the tables (they have {few}): it has no effect; correct the name"
    return PolicyFinding(Severity.WARNING, "unknown_name", where, detail)
