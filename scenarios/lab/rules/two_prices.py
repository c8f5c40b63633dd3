"""Ours: one exact assignment per tick over free agents and agents about to be free, at two prices.

The recipe is `value.md` 1: a slow price of agents' time, a fast price of agents, holds, a bonus
per head against abandonment, and a floor on the resolution probability.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from models.problem import NOBODY, AssignmentProblem
from models.solution import SolveOptions
from scenarios.lab.beliefs import TRUE, BeliefErrors, beliefs_of, forecast_of, moment_of
from scenarios.lab.centre import Flags, Floats, Ints, LabCentre, LabChannel
from scenarios.lab.day import LabPurpose, stream
from scenarios.lab.floor import NOTHING, Floor
from scenarios.lab.router import Decision, nothing_starts
from solver.pricing import fast, slow
from solver.pricing.cost import CostParameters, SlowCost, constant_cost, time_cost
from solver.pricing.make import SlowRecipe, fast_price_at, mean_window_s, slow_price_at
from solver.pricing.moment import Moment, work_in_progress
from solver.pricing.scenarios import mean_remaining_s
from solver.solve import solve

NEAR = 0.1
"""Agents whose net gain is within this share of the best are as good as the best."""


@dataclass(frozen=True)
class TwoPriceSettings:
    """Numbers of the policy; tuned on days and companies that no result is reported for."""

    slow_every_s: float = 60.0
    slow: SlowRecipe = SlowRecipe()
    horizon_s: float = 900.0
    fast_every_s: float = 20.0
    """0: no fast price."""
    fast_scenarios: int = 6
    fast_share: float = 0.8
    slow_share: float = 0.3
    overrun_share: float = 1.0
    head_share: float = 0.1
    """Bonus per head, as a share of the mean value of a contact."""
    floor_p: float = 0.45
    hold_s: float = 300.0
    """Longest expected wait for an agent who is busy; 0: no holds."""


class TwoPrices:
    """Prices are made anew at their intervals; every tick is one exact assignment."""

    def __init__(
        self,
        centre: LabCentre,
        seed: int,
        settings: TwoPriceSettings = TwoPriceSettings(),  # noqa: B008 - frozen
        errors: BeliefErrors = TRUE,
    ) -> None:
        """For one day."""
        self.settings = settings
        self.beliefs = beliefs_of(centre, settings.floor_p, errors, seed)
        self.forecast = forecast_of(centre, errors, seed)
        beliefs = self.beliefs
        self.groups = slow.signatures(
            beliefs.resolution, beliefs.handling_s, beliefs.allowed.astype(float)
        )
        rate = self.forecast.rate.mean(axis=1)
        self.window_s = mean_window_s(beliefs, rate)
        mean_value = float((beliefs.value_mean * rate).sum() / rate.sum())
        is_live = centre.classes.channel != LabChannel.EMAIL
        self.head_worth = settings.head_share * mean_value * is_live
        self.rng = stream(seed, LabPurpose.PRICES)
        self.slow: slow.SlowPrices | None = None
        self.fast: Floats = np.zeros(centre.num_agents)
        self.has_fast = False
        self.slow_due_s = self.fast_due_s = -np.inf
        self.options = SolveOptions(backend="flow")

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        self._renew(floor)
        net = self._net(floor)
        if net is None:
            return nothing_starts()
        problem, agents, is_free = net
        solution = solve(problem, self.options)
        contact = np.flatnonzero(solution.agent != NOBODY)
        agent = solution.agent[contact]
        now = is_free[agent]
        return Decision(contact[now], agents[agent[now]])

    def _renew(self, floor: Floor) -> None:
        settings, now_s = self.settings, floor.now_s
        if now_s >= self.slow_due_s:
            left_s = floor.centre.horizon_s - now_s
            horizon_s = max(min(settings.horizon_s, left_s + 200.0), 60.0)
            moment = moment_of(floor, self.forecast, horizon_s)
            new = slow_price_at(self.beliefs, self.groups, moment, settings.slow, self.rng)
            self.slow = slow.smoothed(new, self.slow)
            self.slow_due_s = now_s + settings.slow_every_s
        if settings.fast_every_s and now_s >= self.fast_due_s:
            moment = moment_of(floor, self.forecast, self.window_s)
            new_fast = fast_price_at(
                self.beliefs, self._slow_of_agent(), moment, self.window_s,
                settings.fast_scenarios, self.rng,
            )
            self.fast = fast.smoothed(new_fast, self.fast if self.has_fast else None)
            self.has_fast = True
            self.fast_due_s = now_s + settings.fast_every_s

    def _slow_of_agent(self) -> Floats:
        return self.slow.agent[0][self.groups.of_agent]

    def _cost(self, floor: Floor) -> Floats:
        s = self.settings
        b = self.beliefs
        parameters = CostParameters(
            window_s=self.window_s, fast_share=s.fast_share, slow_share=s.slow_share,
        )
        slow_cost = constant_cost(self._slow_of_agent(), b.handling_s, self.window_s)
        slow_cost = SlowCost(slow_cost.within, slow_cost.beyond * s.overrun_share)
        return time_cost(
            b.handling_s, b.attention, self.fast, slow_cost,
            floor.centre.horizon_s - floor.now_s, parameters,
        )

    def _net(self, floor: Floor):
        b, centre = self.beliefs, floor.centre
        can = floor.can_start & b.allowed
        free_s = self._free_in(floor)
        soon = b.allowed & (free_s <= self.settings.hold_s) & floor.on_duty
        soon &= ~(floor.room.sum(axis=1) > 0)
        possible = can | soon
        wanted = np.bincount(floor.kind, minlength=centre.num_classes) > 0
        if not can[wanted].any():
            return None
        agents = np.flatnonzero(possible[wanted].any(axis=0))
        cost = self._cost(floor)
        is_free_any = can.any(axis=0)
        offer = self.head_worth[:, None] - cost
        base = self._urgency(floor, offer, can)
        stay = np.where(is_free_any, 1.0, np.exp(-free_s / b.mean_patience_s[:, None]))
        wait_s = np.where(is_free_any, 0.0, free_s)
        value_rate = stay * b.resolution - (1 - stay) * b.loss_share[:, None]
        money_rate = stay * offer - b.waiting_cost[:, None] * wait_s
        kinds, agent = np.nonzero(possible[:, agents])
        number = len(floor.contact)
        nobody = np.zeros(0, dtype=np.int32)
        room = np.where(is_free_any[:, None], np.minimum(floor.room, 1), 1)[agents]
        kind = floor.kind.astype(np.int32)
        problem = AssignmentProblem(
            contact_class=kind,
            class_ptr=np.searchsorted(kinds, np.arange(centre.num_classes + 1)),
            class_agent=agent.astype(np.int32),
            only_agent=np.full(number, NOBODY, dtype=np.int32),
            banned_contact=nobody,
            banned_agent=nobody,
            base=base,
            term_row=np.stack([kind, kind + centre.num_classes], axis=1).astype(np.int32),
            term_coef=np.stack([floor.value, np.ones(number)], axis=1),
            rate=np.concatenate([value_rate, money_rate])[:, agents],
            extra_contact=nobody,
            extra_agent=nobody,
            extra_gain=np.zeros(0),
            contact_lane=centre.classes.channel[floor.kind].astype(np.int32),
            lane_cap=room,
            agent_cap=np.ones(len(agents), dtype=np.int64),
            load_cost=np.zeros((len(agents), 0), dtype=np.int64),
            agent_site=np.full(len(agents), NOBODY, dtype=np.int32),
            site_cap=np.zeros(0, dtype=np.int64),
        )
        return problem, agents, is_free_any[agents]

    def _free_in(self, floor: Floor) -> Floats:
        """(A,) expected seconds until the first thing held ends; 0 for those who hold nothing."""
        b = self.beliefs
        moment = moment_of(floor, self.forecast, 1.0)
        free = np.zeros(floor.centre.num_agents)
        if len(moment.held_agent):
            left = mean_remaining_s(work_in_progress(b, moment))
            first = np.full(len(free), np.inf)
            np.minimum.at(first, moment.held_agent, left)
            free = np.where(np.isfinite(first), first, 0.0)
        return free

    def _urgency(self, floor: Floor, offer: Floats, can: Flags) -> Floats:
        b = self.beliefs
        kind, value = floor.kind, floor.value
        net = np.where(
            (b.allowed & floor.on_duty)[kind], b.resolution[kind] * value[:, None] + offer[kind], -np.inf
        )
        best = net.max(axis=1)
        near = net >= (best - NEAR * np.abs(best))[:, None]
        free_now = (near & can[kind]).any(axis=1)
        count = np.maximum(near.sum(axis=1), 1)
        mean_h = (b.handling_s[kind] * near).sum(axis=1) / count
        tick_s = floor.centre.tick_s
        delay = np.where(free_now, tick_s, np.maximum(mean_h / count, tick_s))
        leaves = -np.expm1(-delay / b.mean_patience_s[kind])
        lost = b.loss_share[kind] * value + np.maximum(np.where(np.isfinite(best), best, 0), 0.0)
        return leaves * lost + b.waiting_cost[kind] * delay
