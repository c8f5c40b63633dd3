"""The product as a router of the lab: its tables say what the floor says, its plan is the best."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linear_sum_assignment

from models.audit import audit, recount
from models.batch import Batch
from models.plan import Finding, Plan
from scenarios.lab.centre import Floats, LabCentre
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.families import TUNING_STRUCTURES, Family, build_centre
from scenarios.lab.floor import NOTHING, Floor
from scenarios.lab.real_tick import RealTick
from scenarios.lab.tick_policy import probability_range, tick_policy
from tests.scenarios.lab.hand_made import centre, classes

NO_HOLDS_S = 1e-3
STEPS = 4
NOW_S = 1000.0
MILLI = 0.001


def random_centre(rng: np.random.Generator, agents: int, kinds: int) -> LabCentre:
    """Calls only; who is eligible, how good and how slow they are, and all money is random."""
    given = classes(
        kinds,
        value=rng.uniform(5, 60, kinds).tolist(),
        patience_s=float(rng.uniform(60, 300)),
        loss_share=float(rng.uniform(0, 0.5)),
        waiting_cost=float(rng.uniform(0, 0.01)),
    )
    there = centre(agents, given, p=rng.uniform(0.3, 0.95, (kinds, agents)), tick_s=5.0)
    return replace(
        there,
        h=rng.uniform(100, 400, (kinds, agents)),
        eligible=rng.random((kinds, agents)) < 0.7,
    )


def random_floor(rng: np.random.Generator, there: LabCentre, waiting: int) -> Floor:
    """Some agents are off duty, some talk; values and waits are random."""
    agents, kinds = there.num_agents, there.num_classes
    on_duty = rng.random(agents) < 0.8
    busy = rng.random(agents) < 0.4
    held = np.where(busy, rng.integers(kinds, size=agents), NOTHING)[:, None]
    free = (on_duty & ~busy).astype(np.int64)
    return Floor(
        centre=there,
        now_s=NOW_S,
        contact=rng.permutation(10 * waiting)[:waiting],
        kind=rng.integers(kinds, size=waiting),
        value=rng.uniform(5, 60, waiting),
        waited_s=-np.sort(-rng.uniform(0, 200, waiting)),
        room=np.repeat(free[:, None], 3, axis=1),
        on_duty=on_duty,
        idle_since_s=NOW_S - rng.uniform(0, 900, agents),
        held_kind=held,
        held_since_s=np.full((agents, 1), NOW_S - 30.0),
        taken=np.zeros(agents, dtype=np.int64),
        busy_s=np.zeros(agents),
        arrived=np.zeros(kinds, dtype=np.int64),
    )


def gains_by_hand(floor: Floor) -> Floats:
    """(W, A) the gain of `docs/model.md` section 5 on arrays; -inf where nobody may start."""
    there = floor.centre
    work = there.classes
    low, high = probability_range(there)
    levels = np.rint((there.p - low) / (high - low) * 10 * STEPS)
    p = low + (high - low) * levels / (10 * STEPS)
    suitable = there.eligible & floor.on_duty
    num = np.count_nonzero(suitable, axis=1)
    mean_p = np.where(num > 0, (p * suitable).sum(axis=1) / np.maximum(num, 1), 0.7)
    eligible = there.eligible.sum(axis=1)
    handle_s = (there.h * there.eligible).sum(axis=1) / np.maximum(eligible, 1)
    delay_s = (there.tick_s + np.clip(handle_s, 5.0, None) / np.maximum(num, 1))[floor.kind]
    stake = (mean_p[floor.kind] + work.loss_share[0]) * floor.value
    leaves = stake * -np.expm1(-delay_s / work.patience_s[0])
    scale, wait = work.target_s[floor.kind], floor.waited_s
    cost = work.waiting_cost[0] * work.target_s[0]
    grows = cost * (((wait + delay_s) / scale) ** 2 - (wait / scale) ** 2)
    base = leaves + grows + 0.001 * _followers(floor)
    # Idle for ten minutes or more is worth 0.05, and whose day is unknown 0.06.
    idle = 0.05 * np.minimum(NOW_S - floor.idle_since_s, 600.0) / 600.0 + 0.06
    gain = p[floor.kind] * floor.value[:, None] + base[:, None] + idle
    starts: Floats = np.where(floor.can_start[floor.kind], gain, -np.inf)
    return starts


def _followers(floor: Floor) -> Floats:
    """How many of the same class came later: the floor is in order of entry."""
    same = floor.kind[:, None] == floor.kind
    later = np.arange(len(floor.kind))[:, None] < np.arange(len(floor.kind))
    number: Floats = (same & later).sum(axis=1).astype(np.float64)
    return number


def best_total(gain: Floats) -> float:
    """The largest total of pairs that may start; nobody must."""
    worth = np.where(np.isfinite(gain), np.maximum(gain, 0.0), 0.0)
    row, column = linear_sum_assignment(worth, maximize=True)
    return float(worth[row, column].sum())


@pytest.mark.parametrize("seed", range(12))
def test_it_starts_what_is_best_on_arrays(seed: int) -> None:
    """Without holds, the pairs that start gain what the plan says, and as much as the optimum of
    the same gain written down on arrays, but for rounding of each pair to a thousandth.
    """
    rng = np.random.default_rng(seed)
    there = random_centre(rng, agents=int(rng.integers(2, 12)), kinds=int(rng.integers(1, 5)))
    floor = random_floor(rng, there, waiting=int(rng.integers(1, 14)))
    plans: list[Plan] = []
    router = RealTick(
        there,
        tick_policy(there, NO_HOLDS_S),
        steps=STEPS,
        witness=lambda _, plan: plans.append(plan),
    )

    decision = router.decide(floor)

    gain = gains_by_hand(floor)
    found = gain[decision.contact, decision.agent]
    assert np.isfinite(found).all()
    assert len(set(decision.agent.tolist())) == len(decision.agent)
    rounding = MILLI * (len(found) + 1)
    assert found.sum() == pytest.approx(best_total(gain), abs=rounding)
    assert plans[0].gain_milli * MILLI == pytest.approx(found.sum(), abs=rounding)


def test_a_contact_waits_for_who_is_free_soon() -> None:
    """One call worth 100; the free agent resolves half, the one who is done in 10 s everything:
    waiting 10 s costs a few hundredths of the 50 that it gains, so nothing starts.
    """
    kinds = classes(1, value=[100.0], patience_s=1e6)
    there = centre(2, kinds, p=np.array([[0.5, 1.0]]), tick_s=5.0, handle_s=40.0)
    rng = np.random.default_rng(0)
    floor = replace(
        random_floor(rng, there, 1),
        value=np.array([100.0]),
        waited_s=np.zeros(1),
        on_duty=np.ones(2, dtype=bool),
        room=np.array([[1, 1, 1], [0, 0, 0]]),
        held_kind=np.array([[NOTHING], [0]]),
    )

    assert len(RealTick(there).decide(floor).contact) == 0
    assert RealTick(there, tick_policy(there, NO_HOLDS_S)).decide(floor).agent.tolist() == [0]


@pytest.mark.parametrize("family", [Family.BLEND, Family.SMALL])
def test_a_day_runs_and_its_plans_are_right(family: Family) -> None:
    """The engine accepts every pair, contacts are served, and the audit, which shares no code with
    what makes plans, finds nothing in every eighth tick.
    """
    there = build_centre(family, TUNING_STRUCTURES[0], load=1.1)
    short = replace(
        there,
        classes=replace(there.classes, rate=there.classes.rate[:, :1]),
        horizon_s=300.0,
        overtime_s=30.0,
    )
    policy = tick_policy(short)
    findings: list[Finding] = []
    ticks: list[Plan] = []

    def look(batch: Batch, plan: Plan) -> None:
        ticks.append(plan)
        if len(ticks) % 8 == 0:
            findings.extend(audit(plan, recount(batch, policy)))

    events = simulate(short, draw_day(short, seed=3), RealTick(short, witness=look))

    assert findings == []
    assert len(ticks) > 25
    assert events.handling.height > 10


def test_probabilities_are_rounded_to_steps() -> None:
    """The mean level of a class's skills gives back p within half a step of the range."""
    rng = np.random.default_rng(5)
    there = random_centre(rng, agents=6, kinds=3)
    batches: list[Batch] = []
    policy = tick_policy(there)
    router = RealTick(there, steps=STEPS, witness=lambda batch, _: batches.append(batch))
    router.decide(random_floor(rng, there, 1))

    queue = pl.col("skill").str.head(-3)
    mean = pl.col("proficiency").mean()
    rows = batches[0].agent_skills.group_by("agent_id", queue=queue).agg(level=mean)
    kind = rows["queue"].str.slice(-1).cast(int).to_numpy()
    agent = rows["agent_id"].str.slice(-1).cast(int).to_numpy()
    p = policy.p_lowest + (policy.p_highest - policy.p_lowest) * rows["level"].to_numpy() / 10

    assert rows.height == there.eligible.sum()
    half_step = (policy.p_highest - policy.p_lowest) / (10 * STEPS) / 2
    assert np.abs(p - there.p[kind, agent]).max() <= half_step + 1e-12


def test_it_needs_ticks() -> None:
    """A centre that decides at every event is refused."""
    with pytest.raises(ValueError, match="tick_s is 0"):
        RealTick(centre(1, tick_s=0.0))
