"""When agents come, go and rest: the planned changes of a day, and who goes when heads change."""

from collections.abc import Callable
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
    lasts_s: float = 0.0
    """Length of a BREAK."""


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
            changes.append(Change(from_s, Duty.BREAK, agent, until_s - from_s))
    changes = [change for change in changes if change.at_s < float("inf")]
    return sorted(changes, key=lambda change: (change.at_s, change.duty, change.who))


class Roster:
    """Carries out planned changes; work that is held when somebody should go is finished first."""

    def __init__(
        self,
        centre: LabCentre,
        desks: Desks,
        ledger: Ledger,
        announce: Callable[[Change], None],
    ) -> None:
        """Nobody is on duty yet; `announce` is told the ends of breaks as they begin."""
        staffing = centre.staffing
        self._heads: list[list[int]] = [] if staffing is None else staffing.heads.tolist()
        self._teams = [] if staffing is None else _members(staffing)
        self._team_of: list[int] = [] if staffing is None else staffing.team.tolist()
        self._leaving = [0] * len(self._teams)
        """Heads over the plan by team: so many leave as they finish."""
        self._desks = desks
        self._ledger = ledger
        self._announce = announce
        self._break_s = [0.0] * centre.num_agents
        """Length of the break that begins when the agent has put down everything; else 0."""
        self._has_left = [False] * centre.num_agents
        """The shift is over."""

    def carry_out(self, change: Change, now_s: float) -> list[int]:
        """Agents who are free to take work because of this change."""
        if change.duty == Duty.HEADS:
            return self._set_heads(change.who, now_s)
        agent = change.who
        if change.duty == Duty.BREAK:
            if self._desks.on_duty[agent]:
                self._break_s[agent] = change.lasts_s
                self._send_away(agent, now_s)
            return []
        if change.duty == Duty.OFF:
            self._has_left[agent] = True
            self._break_s[agent] = 0.0
            self._send_away(agent, now_s)
            return []
        return [] if self._has_left[agent] else self._call_in([agent], now_s)

    def put_down(self, agent: int, now_s: float) -> None:
        """The agent holds nothing any more; those who should be away go now."""
        if self._teams and self._leaving[self._team_of[agent]]:
            self._leaving[self._team_of[agent]] -= 1
            self._send_away(agent, now_s)
        elif not self._desks.on_duty[agent]:
            self._go(agent, now_s)

    def _call_in(self, agents: list[int], now_s: float) -> list[int]:
        for agent in agents:
            if not self._desks.held[agent]:
                self._desks.idle_since_s[agent] = now_s
            self._desks.set_duty(agent, True)
            self._ledger.set_state(agent, AgentState.AVAILABLE, now_s)
        return [agent for agent in agents if self._desks.room[agent].any()]

    def _send_away(self, agent: int, now_s: float) -> None:
        self._desks.set_duty(agent, False)
        if not self._desks.held[agent]:
            self._go(agent, now_s)

    def _go(self, agent: int, now_s: float) -> None:
        lasts_s = self._break_s[agent]
        if not lasts_s:
            self._ledger.set_state(agent, AgentState.OFFLINE, now_s)
            return
        self._break_s[agent] = 0.0
        self._ledger.set_state(agent, AgentState.NONPRODUCTIVE, now_s)
        self._announce(Change(now_s + lasts_s, Duty.BACK, agent))

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
                self._send_away(agent, now_s)
                self._leaving[team] -= 1
        return free


def _members(staffing: Staffing) -> list[list[int]]:
    """Agents of each team."""
    teams: list[list[int]] = [[] for _ in range(staffing.heads.shape[1])]
    for agent, team in enumerate(staffing.team.tolist()):
        teams[team].append(agent)
    return teams
