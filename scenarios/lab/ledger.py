"""What the engine writes down while a day runs: a row per visit, and agents' states."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from scenarios.lab.centre import LabCentre
from scenarios.lab.day import Day

UNKNOWN = float("nan")


class Outcome(IntEnum):
    """What became of a visit; WAITING is none yet."""

    WAITING = 0
    ANSWERED = 1
    ABANDONED = 2
    BLOCKED = 3
    """Turned away at the door."""
    DISCONNECTED = 4
    """Sent away by the house: the queue was cleared, or the day ended."""
    MESSAGE = 5
    """Left a message after the longest wait that the house allows."""


class AgentState(StrEnum):
    """Names of the trade for `agent_state`; overtime to finish what is held is AVAILABLE."""

    AVAILABLE = "available"
    NONPRODUCTIVE = "nonproductive"
    OFFLINE = "offline"


@dataclass(slots=True)
class Span:
    """An agent's state, from and until, in seconds since the day's start."""

    agent: int
    state: AgentState
    from_s: float
    until_s: float


class Ledger:
    """Visits as parallel lists, in order of appearance; first attempts are known beforehand."""

    def __init__(self, centre: LabCentre, day: Day) -> None:
        """Rows for the first visit of every customer, not yet entered."""
        number = len(day)
        self.customer = list(range(number))
        self.attempt = [0] * number
        self.kind: list[int] = day.kind.tolist()
        self.entered_s: list[float] = day.arrival_s.tolist()
        self.has_entered = [False] * number
        self.waits = [False] * number
        self.outcome = [int(Outcome.WAITING)] * number
        self.left_queue_s = [UNKNOWN] * number
        self.ended_s = [UNKNOWN] * number
        """End of the handling, wrap-up included."""
        self.agent = [-1] * number
        self.comes_back = [False] * number
        """The customer will be here again today."""
        self.spans: list[Span] = []
        self._state = [AgentState.OFFLINE] * centre.num_agents
        self._since_s = [0.0] * centre.num_agents

    def add_visit(self, customer: int, attempt: int, kind: int, at_s: float) -> int:
        """One more visit of a customer who comes back; returns its row."""
        for column, value in (
            (self.customer, customer),
            (self.attempt, attempt),
            (self.kind, kind),
            (self.outcome, int(Outcome.WAITING)),
            (self.agent, -1),
        ):
            column.append(value)
        self.entered_s.append(at_s)
        self.has_entered.append(False)
        self.waits.append(False)
        self.comes_back.append(False)
        self.left_queue_s.append(UNKNOWN)
        self.ended_s.append(UNKNOWN)
        return len(self.customer) - 1

    def set_state(self, agent: int, state: AgentState, now_s: float) -> None:
        """The agent's state changes now; the span that ends is written down."""
        if state == self._state[agent]:
            return
        self.close(agent, now_s)
        self._state[agent] = state

    def close(self, agent: int, now_s: float) -> None:
        """Write down the span up to now, if it has any length."""
        if now_s > self._since_s[agent]:
            self.spans.append(Span(agent, self._state[agent], self._since_s[agent], now_s))
        self._since_s[agent] = now_s
