"""All that `docs/model.md` says of a tick before it comes to conversations."""

from dataclasses import dataclass

from models.batch import Batch
from models.policy import Policy
from models.recount.agents import Agents
from models.recount.clocks import Clocks
from models.recount.overflow import Overflow


@dataclass(frozen=True, eq=False)
class Centre:
    """Tables and numbers, and who and what is there for the contacts, however they are grouped."""

    batch: Batch
    policy: Policy
    clocks: Clocks
    agents: Agents
    overflow: Overflow
