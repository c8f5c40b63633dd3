"""Seeded network instances for the engine's benchmark: about 6 % of all pairs eligible.

24 skills with levels, 6 languages, 1 to 4 slots per agent, heavy-tailed values, 30 % of contacts
with an owner. Two forms of the same centre: one rate per class (value times level), or the full
gain (three intents, urgency, opportunity price, idle bonus, owner and last agent).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.problem import NOBODY, AssignmentProblem, Floats, Ints, Positions

SKILLS, LANGUAGES = 24, 6
FULL_SHARE_OF_AGENTS = 0.8


class Form(StrEnum):
    """How a pair's gain is put together."""

    RATE = "rate"
    FULL = "full"


class Structure(StrEnum):
    """What makes an instance hard."""

    PLAIN = "plain"
    TIES = "ties"
    """Every level alike within its skill and values rounded: thousands of equal gains."""
    CLONES = "clones"
    """All agents alike, values in steps."""
    CHAINS = "chains"
    """Agent n serves skills n and n + 1 only: displacement runs along the whole chain."""
    SURPLUS = "surplus"
    """More slots than contacts."""
    NEARLY_FULL = "nearly_full"
    """80 % of agents without a slot."""


@dataclass(frozen=True)
class Size:
    """Contacts waiting and agents."""

    num_contacts: int
    num_agents: int


SIZES = {
    "S": Size(1_000, 200),
    "M": Size(5_000, 1_000),
    "L": Size(20_000, 5_000),
    "XL": Size(100_000, 10_000),
}


@dataclass(frozen=True, eq=False)
class _Centre:
    level: Ints
    """(A, skills) 0 where the agent does not have the skill."""
    speaks: NDArray[np.bool_]
    """(A, languages)"""
    skill: Ints
    """(C,)"""
    language: Ints
    value: Floats


def build_instance(
    seed: int,
    size: Size,
    form: Form = Form.RATE,
    structure: Structure = Structure.PLAIN,
    *,
    contact_seed: int | None = None,
) -> AssignmentProblem:
    """The instance; the same arguments give the same arrays.

    Another `contact_seed` gives other contacts for the same agents.
    """
    draw_agents = np.random.default_rng([seed, size.num_agents])
    draw = np.random.default_rng([seed if contact_seed is None else contact_seed, 1])
    slots = draw_agents.integers(1, 5, size.num_agents)
    if structure is Structure.SURPLUS:
        size = replace(size, num_contacts=min(size.num_contacts, size.num_agents))
    if structure is Structure.NEARLY_FULL:
        slots[draw_agents.random(size.num_agents) < FULL_SHARE_OF_AGENTS] = 0
    centre = _draw_centre(draw_agents, draw, size, structure)
    rate, row, coef, base = (
        _one_rate(centre) if form is Form.RATE else _full_gain(draw_agents, draw, centre)
    )
    class_ptr, class_agent, contact_class = _classes(centre)
    owner, worth = _known_agents(draw, centre, 0.3, 8.0)
    if structure in {Structure.TIES, Structure.CLONES}:
        worth = np.rint(worth)
    known = np.flatnonzero(owner != NOBODY)
    extra_contact, extra_agent, extra_gain = known, owner[known], worth[known]
    if form is Form.FULL:
        last, worth = _known_agents(draw, centre, 0.2, 3.0)
        other = np.flatnonzero((last != NOBODY) & (last != owner))
        extra_contact = np.concatenate([extra_contact, other])
        extra_agent = np.concatenate([extra_agent, last[other]])
        extra_gain = np.concatenate([extra_gain, worth[other]])
    nobody = np.zeros(0, dtype=np.int32)
    return AssignmentProblem(
        contact_class=contact_class,
        class_ptr=class_ptr,
        class_agent=class_agent,
        only_agent=np.full(size.num_contacts, NOBODY, dtype=np.int32),
        banned_contact=nobody,
        banned_agent=nobody,
        base=base,
        term_row=row,
        term_coef=coef,
        rate=rate,
        extra_contact=extra_contact.astype(np.int32),
        extra_agent=extra_agent.astype(np.int32),
        extra_gain=extra_gain,
        contact_lane=np.zeros(size.num_contacts, dtype=np.int32),
        lane_cap=slots[:, None].copy(),
        agent_cap=slots,
        load_cost=np.zeros((size.num_agents, 0), dtype=np.int64),
        agent_site=np.full(size.num_agents, NOBODY, dtype=np.int32),
        site_cap=np.zeros(0, dtype=np.int64),
    )


def next_tick(
    seed: int, size: Size, form: Form = Form.RATE, structure: Structure = Structure.PLAIN
) -> AssignmentProblem:
    """The instance one tick later: 5 % of its contacts are others, 20 % of its agents' slots."""
    before = build_instance(seed, size, form, structure)
    after = build_instance(seed, size, form, structure, contact_seed=seed + 1_000_000)
    draw = np.random.default_rng([seed, 2])
    new = draw.random(before.num_contacts) < 0.05
    changed = draw.random(before.num_agents) < 0.2
    slots = np.where(changed, draw.integers(0, 5, before.num_agents), before.agent_cap)
    stays = ~new[before.extra_contact]
    comes = new[after.extra_contact]
    return replace(
        before,
        contact_class=np.where(new, after.contact_class, before.contact_class).astype(np.int32),
        base=np.where(new, after.base, before.base),
        term_row=np.where(new[:, None], after.term_row, before.term_row).astype(np.int32),
        term_coef=np.where(new[:, None], after.term_coef, before.term_coef),
        extra_contact=np.r_[before.extra_contact[stays], after.extra_contact[comes]],
        extra_agent=np.r_[before.extra_agent[stays], after.extra_agent[comes]],
        extra_gain=np.r_[before.extra_gain[stays], after.extra_gain[comes]],
        agent_cap=slots,
        lane_cap=slots[:, None].copy(),
    )


def _draw_centre(
    draw_agents: np.random.Generator,
    draw: np.random.Generator,
    size: Size,
    structure: Structure,
) -> _Centre:
    contacts, agents = size.num_contacts, size.num_agents
    skills = max(SKILLS, agents // 10) if structure is Structure.CHAINS else SKILLS
    level = np.zeros((agents, skills), dtype=np.int64)
    if structure is Structure.CHAINS:
        first = np.arange(agents) % skills
        level[np.arange(agents), first] = draw_agents.integers(1, 11, agents)
        level[np.arange(agents), (first + 1) % skills] = draw_agents.integers(1, 11, agents)
        speaks = np.ones((agents, 1), dtype=bool)
        skill, language = draw.integers(0, skills, contacts), np.zeros(contacts, dtype=np.int64)
    else:
        has = draw_agents.random((agents, skills)) < 4.3 / skills
        level[has] = draw_agents.integers(1, 11, int(has.sum()))
        common = np.array([0.65, 0.3, 0.2, 0.1, 0.08, 0.05])
        speaks = draw_agents.random((agents, LANGUAGES)) < common
        skill = draw.choice(skills, contacts, p=_falling(skills))
        language = draw.choice(LANGUAGES, contacts, p=np.array([40, 20, 15, 10, 8, 7]) / 100)
    value = np.minimum(draw.lognormal(3.5, 1.0, contacts), 5_000.0)
    if structure is Structure.TIES:
        level[level > 0] = 5
        value = np.maximum(np.rint(value / 10) * 10, 10)
    if structure is Structure.CLONES:
        level[level > 0] = 5
        value = np.maximum(np.rint(value / 50) * 50, 50)
    return _Centre(level, speaks, skill, language, value)


def _falling(count: int) -> Floats:
    weight = 1.0 / (4.0 + np.arange(count, dtype=np.float64))
    share: Floats = weight / weight.sum()
    return share


def _classes(centre: _Centre) -> tuple[Ints, Positions, Positions]:
    """Class pointers, agents by class and class of each contact: by skill and language."""
    languages = centre.speaks.shape[1]
    can = (centre.level.T[:, None, :] > 0) & centre.speaks.T[None, :, :]
    member = can.reshape(-1, len(centre.level))
    class_ptr = np.concatenate([[0], np.cumsum(member.sum(axis=1))]).astype(np.int64)
    contact_class = (centre.skill * languages + centre.language).astype(np.int32)
    return class_ptr, np.nonzero(member)[1].astype(np.int32), contact_class


def _one_rate(centre: _Centre) -> tuple[Floats, Positions, Floats, Floats]:
    rate: Floats = 0.4 + 0.06 * centre.level.T.astype(np.float64)
    return (
        rate,
        centre.skill.astype(np.int32)[:, None],
        centre.value[:, None],
        np.zeros(len(centre.skill)),
    )


def _full_gain(
    draw_agents: np.random.Generator, draw: np.random.Generator, centre: _Centre
) -> tuple[Floats, Positions, Floats, Floats]:
    """Three intents of individual expertise, urgency, price of the agent's time, idle bonus."""
    agents, skills = centre.level.shape
    contacts = len(centre.skill)
    noise = draw_agents.normal(0, 0.05, (skills, agents))
    expertise = np.clip(0.3 + 0.05 * centre.level.T + noise, 0, 1)
    price = draw_agents.gamma(2.0, 1.5, (1, agents))
    idle = draw_agents.uniform(0.0, 0.5, (1, agents))
    intents = np.stack(
        [centre.skill, *((centre.skill + draw.integers(1, 5, contacts)) % skills for _ in "12")],
        axis=1,
    )
    share = draw.dirichlet([6.0, 2.0, 1.0], contacts)
    hours = draw.gamma(4.0, 0.25, contacts)
    row = np.concatenate(
        [intents, np.full((contacts, 1), skills), np.full((contacts, 1), skills + 1)], axis=1
    )
    coef = np.concatenate(
        [share * centre.value[:, None], -hours[:, None], np.ones((contacts, 1))], axis=1
    )
    urgency = draw.exponential(3.0, contacts)
    return np.concatenate([expertise, price, idle]), row.astype(np.int32), coef, urgency


def _known_agents(
    draw: np.random.Generator, centre: _Centre, share: float, worth: float
) -> tuple[Ints, Floats]:
    """An agent or NOBODY whom each contact knows, among those with its skill, and what it adds."""
    contacts = len(centre.skill)
    found = np.full(contacts, NOBODY, dtype=np.int64)
    known = draw.random(contacts) < share
    for skill in range(centre.level.shape[1]):
        able = np.flatnonzero(centre.level[:, skill] > 0)
        mine = np.flatnonzero(known & (centre.skill == skill))
        if len(able):
            found[mine] = able[draw.integers(0, len(able), len(mine))]
    return found, draw.uniform(0.5, 1.5, contacts) * worth
