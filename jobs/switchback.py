"""Two policies by turns, so that what each of them is worth can be measured (`routing.md` R.15).

Time is cut into blocks, two blocks are a pair, and in each pair a coin says which policy goes
first: neither the hour of the day nor a slow drift favours one of them.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from models.policy import Policy

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Arm(StrEnum):
    """Which of the two policies decides."""

    A = "a"
    """[policy]"""
    B = "b"
    """[switchback.policy]"""


@dataclass(frozen=True)
class Switchback:
    """The other policy, and when it is its turn."""

    policy: Policy = field(default_factory=Policy)
    """What [policy] says, but for what [switchback.policy] says."""
    block_s: float = 1800.0
    """One policy decides for so long at a time."""
    seed: int = 0
    """Of the coins; the same seed, the same turns, on any machine."""

    def __post_init__(self) -> None:
        """Check the range."""
        if not self.block_s >= 1:
            raise ValueError(f"block_s is {self.block_s}; expected at least 1")

    def arm_at(self, now: datetime) -> Arm:
        """Whose turn it is."""
        block = (now - _EPOCH) // timedelta(seconds=self.block_s)
        pair, half = divmod(block, 2)
        coin = hashlib.sha256(f"{self.seed}:{pair}".encode()).digest()[0] & 1
        return Arm.B if half ^ coin else Arm.A

    def policy_at(self, now: datetime, policy: Policy) -> Policy:
        """The policy that decides now; `policy` is that of arm A.

        How often a tick comes is said when the job is started: both have the tick of `policy`.
        """
        if self.arm_at(now) is Arm.A:
            return policy
        return replace(self.policy, tick_s=policy.tick_s)


def arm_at(switchback: Switchback | None, now: datetime) -> Arm | None:
    """Whose turn it is, None where there is but one policy."""
    return None if switchback is None else switchback.arm_at(now)
