"""When agents come, go and rest: the planned changes of a day, and who goes when heads change."""

from dataclasses import dataclass
from enum import IntEnum

from scenarios.lab.centre import LabCentre, Staffing
from scenarios.lab.desks import Desks
from scenarios.lab.ledger import AgentState, Ledger


class Duty(IntEnum):
    """A planned change; the order is that of changes at the same instant."""

    HEADS = 0
    BACK = 1
    ON = 2
    BREAK = 3
    OFF = 4


@dataclass(frozen=True)
class Change:
    """A planned change of one agent, or, for HEADS, of all teams to row `who` of the staffing."""

    at_s: float
    duty: Duty
    who: int


def planned_changes(centre: LabCentre) -> list[Change]:
    """All changes of the day in order of time."""
    if centre.staffing is not None:
        rows = enumerate(centre.staffing.from_s.tolist())
        return [Change(at_s, Duty.HEADS, row) for row, at_s in rows]
    changes = [
        change
        for agent in range(centre.num_agents)
        for change in (
            Change(float(centre.shift_from_s[agent]), Duty.ON, agent),
            Change(float(centre.shift_until_s[agent]), Duty.OFF, agent),
        )
    ]
    if centre.breaks is not None:
        rows_of = zip(
            centre.breaks.agent.tolist(),
            centre.breaks.from_s.tolist(),
            centre.breaks.until_s.tolist(),
            strict=True,
        )
        for agent, from_s, until_s in rows_of:
            changes.append(Change(from_s, Duty.BREAK, agent))
            if until_s < centre.shift_until_s[agent]:
                changes.append(Change(until_s, Duty.BACK, agent))
    changes = [change for change in changes if change.at_s < float("inf")]
    return sorted(changes, key=lambda change: (change.at_s, change.duty, change.who))


class Roster:
    """Carries out planned changes; work that is held when somebody should go is finished first."""

    def __init__(self, centre: LabCentre, desks: Desks, ledger: Ledger) -> None:
        """Nobody is on duty yet."""
        staffing = centre.staffing
        self._heads: list[list[int]] = [] if staffing is None else staffing.heads.tolist()
        self._teams = [] if staffing is None else _members(staffing)
        self._team_of: list[int] = [] if staffing is None else staffing.team.tolist()
        self._leaving = [0] * len(self._teams)
        """Heads over the plan by team: so many leave as they finish."""
        self._desks = desks
        self._ledger = ledger
        self._after_work = [AgentState.OFFLINE] * centre.num_agents
        """State into which an agent goes who is not on duty and puts down the last item."""

    def carry_out(self, change: Change, now_s: float) -> list[int]:
        """Agents who are free to take work because of this change."""
        if change.duty == Duty.HEADS:
            return self._set_heads(change.who, now_s)
        if change.duty in {Duty.ON, Duty.BACK}:
            return self._call_in([change.who], now_s)
        away = AgentState.NONPRODUCTIVE if change.duty == Duty.BREAK else AgentState.OFFLINE
        self._send_away(change.who, away, now_s)
        return []

    def put_down(self, agent: int, now_s: float) -> None:
        """The agent holds nothing any more; those who should be away go now."""
        if self._teams and self._leaving[self._team_of[agent]]:
            self._leaving[self._team_of[agent]] -= 1
            self._send_away(agent, AgentState.OFFLINE, now_s)
            return
        if not self._desks.on_duty[agent]:
            self._ledger.set_state(agent, self._after_work[agent], now_s)

    def _call_in(self, agents: list[int], now_s: float) -> list[int]:
        for agent in agents:
            if not self._desks.held[agent]:
                self._desks.idle_since_s[agent] = now_s
            self._desks.set_duty(agent, True)
            self._ledger.set_state(agent, AgentState.AVAILABLE, now_s)
        return [agent for agent in agents if self._desks.room[agent].any()]

    def _send_away(self, agent: int, state: AgentState, now_s: float) -> None:
        self._desks.set_duty(agent, False)
        self._after_work[agent] = state
        if not self._desks.held[agent]:
            self._ledger.set_state(agent, state, now_s)

    def _set_heads(self, row: int, now_s: float) -> list[int]:
        free: list[int] = []
        for team, heads in enumerate(self._heads[row]):
            on_duty = [agent for agent in self._teams[team] if self._desks.on_duty[agent]]
            change = heads - (len(on_duty) - self._leaving[team])
            # Whoever was about to leave stays; only then is somebody called in, and vice versa.
            self._leaving[team] -= change
            if self._leaving[team] < 0:
                away = [agent for agent in self._teams[team] if not self._desks.on_duty[agent]]
                free += self._call_in(away[: -self._leaving[team]], now_s)
                self._leaving[team] = 0
            idle = [agent for agent in on_duty if not self._desks.held[agent]]
            for agent in idle[: self._leaving[team]]:
                self._send_away(agent, AgentState.OFFLINE, now_s)
                self._leaving[team] -= 1
        return free


def _members(staffing: Staffing) -> list[list[int]]:
    """Agents of each team."""
    teams: list[list[int]] = [[] for _ in range(staffing.heads.shape[1])]
    for agent, team in enumerate(staffing.team.tolist()):
        teams[team].append(agent)
    return teams
