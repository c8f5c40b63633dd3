"""Tiny batches decided under ready-made policies."""

from typing import Any

from jobs.cli_policy import load_ready_made
from models.audit import audit, recount
from models.plan import Plan
from models.solution import SolveOptions, Termination
from solver.assign import assign
from tests.models.tiny import Row, ago, tiny

HOUR = 3600.0
DAY = 24 * HOUR


def plan_of(name: str, **tables: Any) -> Plan:  # noqa: ANN401
    """The optimal plan of a tiny batch under a ready-made policy, audited."""
    policy = load_ready_made(name)
    batch = tiny(**tables)
    plan = assign(batch, policy, SolveOptions())
    assert audit(plan, recount(batch, policy)) == ()
    assert plan.termination is Termination.OPTIMAL
    return plan


def routed(name: str, **tables: Any) -> dict[str, str]:  # noqa: ANN401
    """Agent of each contact, or the reason for which it waits."""
    plan = plan_of(name, **tables)
    agents = dict(plan.assignments.select("contact_id", "agent_id").iter_rows())
    return agents | dict(plan.unassigned.select("contact_id", "reason").iter_rows())


def waiting(contact_id: str, channel: str = "email", /, **more: Any) -> Row:  # noqa: ANN401
    """A contact that waits."""
    return {"contact_id": contact_id, "channel": channel} | more


def holding(agent_id: str, contact_id: str, channel: str, /, **more: Any) -> Row:  # noqa: ANN401
    """A contact that an agent holds, of which nobody knows when it ends."""
    return {
        "agent_id": agent_id,
        "contact_id": contact_id,
        "channel": channel,
        "started_at": ago(HOUR),
    } | more
