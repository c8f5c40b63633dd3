"""Four families of invented centres, several companies each, at three loads (`value.md` 2).

The parameters are invented: what is measured on them is evidence of an effect, not a promise.
Companies and days on which anything is tuned are never those on which it is reported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from scenarios.lab.centre import ContactClasses, Flags, Floats, Ints, LabCentre, LabChannel
from scenarios.lab.day import LabPurpose, stream


class Family(StrEnum):
    """What kind of centre."""

    SMALL = "small"
    """35 agents in 4 classes of their own, 4 contact classes."""
    MEDIUM = "medium"
    """150 individual agents, 10 skills, 3 languages."""
    LARGE = "large"
    """600 individual agents, 20 skills, 4 languages."""
    BLEND = "blend"
    """60 agents, 4 topics by voice, chat (3 at once) and email."""


@dataclass(frozen=True)
class Structure:
    """One company: the seed of who can do what and who calls about what."""

    name: str
    seed: int


TUNING_STRUCTURES = (Structure("alder", 11), Structure("birch", 12))
REPORTING_STRUCTURES = (Structure("cedar", 21), Structure("elm", 22), Structure("hazel", 23))
TUNING_DAYS = tuple(range(401, 407))
REPORTING_DAYS = tuple(range(201, 213))
LOADS = (0.80, 0.95, 1.10)

HORIZON_S = 7200.0
INTERVAL_S = 900.0
OVERTIME_S = 1800.0
DAY_SHAPE = 50.0
SWING = 0.25
"""Of the rate, up and down over the day."""
LOSS_SHARE = 0.15
WAITING_COST = 0.002
VALUE_SIGMA = 0.4
SKILLED = 0.6


@dataclass(frozen=True, eq=False)
class _Work:
    """Contact classes before their volume is known; arrays (K,)."""

    names: tuple[str, ...]
    channel: Ints
    share: Floats
    """Of all contacts."""
    value: Floats
    patience_s: Floats


def build_centre(family: Family, structure: Structure, load: float) -> LabCentre:
    """The company of that family and structure, with volumes that make that load.

    Load is attention asked for (rate x attention x handling time of skilled agents) per agent.
    """
    rng = stream(structure.seed, LabPurpose.STRUCTURE)
    work, p, h, eligible = _BUILDERS[family](rng)
    chats = 3 if family is Family.BLEND else 1
    attention = np.array([1.0, 1.0 / chats, 1.0])[work.channel]
    skilled = eligible & (p >= SKILLED)
    has_skilled: Flags = np.logical_or.reduce(skilled, axis=1)
    used = np.where(has_skilled[:, None], skilled, eligible)
    handle_s = (h * used).sum(axis=1) / used.sum(axis=1)
    agents = p.shape[1]
    total = load * agents / (work.share * attention * handle_s).sum()
    intervals = int(HORIZON_S / INTERVAL_S)
    middle = (np.arange(intervals) + 0.5) / intervals
    wave = 1 + SWING * np.sin(2 * np.pi * middle)
    zero = np.zeros(len(work.share))
    classes = ContactClasses(
        names=work.names,
        channel=work.channel,
        rate=total * work.share[:, None] * wave,
        value_mean=work.value,
        value_sigma=zero + VALUE_SIGMA,
        loss_share=zero + LOSS_SHARE,
        waiting_cost=np.where(work.channel == LabChannel.EMAIL, 0.1, 1.0) * WAITING_COST,
        patience_s=work.patience_s,
        target_s=np.array([20.0, 60.0, 1800.0])[work.channel],
        wrap_up_share=zero + 0.15,
    )
    return LabCentre(
        name=f"{family}-{structure.name}-{load:.2f}",
        classes=classes,
        p=p,
        h=h,
        eligible=eligible,
        shift_from_s=np.zeros(agents),
        shift_until_s=np.full(agents, HORIZON_S + OVERTIME_S),
        horizon_s=HORIZON_S,
        interval_s=INTERVAL_S,
        overtime_s=OVERTIME_S,
        chats=chats,
        day_shape=DAY_SHAPE,
    )


_Parts = tuple[_Work, Floats, Floats, Flags]


def _small(rng: np.random.Generator) -> _Parts:
    """General, technical, billing and key customers; generalists, two specialisms and experts."""
    base = np.array(
        [
            [0.85, 0.78, 0.78, 0.93],
            [0.48, 0.86, 0.38, 0.93],
            [0.52, 0.38, 0.88, 0.91],
            [0.42, 0.62, 0.50, 0.90],
        ]
    )
    team = np.repeat(np.arange(4), [14, 8, 7, 6])
    by_team = base + rng.uniform(-0.02, 0.02, base.shape)
    share = np.array([0.44, 0.24, 0.20, 0.12]) * rng.uniform(0.9, 1.1, 4)
    handle_s = np.array([240.0, 360.0, 300.0, 330.0]) * rng.uniform(0.95, 1.05, 4)
    work = _Work(
        names=("general", "technical", "billing", "key"),
        channel=np.zeros(4, dtype=np.int64),
        share=share / share.sum(),
        value=np.array([10.0, 30.0, 20.0, 60.0]),
        patience_s=np.array([180.0, 240.0, 240.0, 300.0]),
    )
    p = by_team[:, team]
    return work, p, _slower_without_skill(handle_s, p), np.ones(p.shape, dtype=bool)


def _by_skill_and_language(
    rng: np.random.Generator, agents: int, skills: int, language_share: Floats
) -> _Parts:
    """Classes are skill x language; agents differ one by one, most speak one language."""
    languages = len(language_share)
    demand = rng.dirichlet(np.full(skills, 4.0))
    share = np.outer(demand, language_share).ravel()
    skill, language = np.divmod(np.arange(skills * languages), languages)
    level = _levels(rng, agents, demand)
    fluency = _fluency(rng, agents, language_share)
    p = np.clip(level[skill] * np.where(fluency[language] > 0, fluency[language], 0.0), 0, 0.97)
    eligible = fluency[language] > 0
    work = _Work(
        names=tuple(f"skill {s} language {x}" for s, x in zip(skill, language, strict=True)),
        channel=np.zeros(len(share), dtype=np.int64),
        share=share,
        value=rng.choice([10.0, 15.0, 20.0, 30.0, 45.0, 60.0], skills)[skill],
        patience_s=rng.uniform(180.0, 300.0, skills)[skill],
    )
    handle_s = rng.uniform(240.0, 360.0, skills)[skill]
    return work, p, _slower_without_skill(handle_s, p), eligible


def _levels(rng: np.random.Generator, agents: int, demand: Floats) -> Floats:
    """(skills, A) probabilities: two or three skills are strong, two fair, the others weak.

    Skills in demand have more strong agents, though fewer than in proportion: hiring lags.
    """
    skills = len(demand)
    taught = np.sqrt(demand) / np.sqrt(demand).sum()
    level = rng.uniform(0.42, 0.60, (skills, agents))
    for agent in range(agents):
        known = rng.choice(skills, 5, replace=False, p=taught)
        strong = int(rng.integers(2, 4))
        level[known[:strong], agent] = rng.uniform(0.75, 0.95, strong)
        level[known[strong:], agent] = rng.uniform(0.55, 0.75, 5 - strong)
    return level


def _fluency(rng: np.random.Generator, agents: int, language_share: Floats) -> Floats:
    """(languages, A): 1 for the first language, 0.92 for a second, which a third has; else 0."""
    languages = len(language_share)
    fluency = np.zeros((languages, agents))
    first = rng.choice(languages, agents, p=language_share)
    fluency[first, np.arange(agents)] = 1.0
    second = (first + rng.integers(1, languages, agents)) % languages
    bilingual = np.flatnonzero(rng.random(agents) < 1 / 3)
    fluency[second[bilingual], bilingual] = 0.92
    return fluency


def _blend(rng: np.random.Generator) -> _Parts:
    """Four topics by three channels; a third of the agents do calls only, the others all three."""
    agents, topics, channels = 60, 4, 3
    demand = np.array([0.4, 0.25, 0.2, 0.15]) * rng.uniform(0.9, 1.1, topics)
    by_channel = np.array([0.40, 0.45, 0.15])
    share = np.outer(demand / demand.sum(), by_channel).ravel()
    topic, channel = np.divmod(np.arange(topics * channels), channels)
    level = rng.uniform(0.35, 0.60, (topics, agents))
    main = np.arange(agents) % topics
    level[main, np.arange(agents)] = rng.uniform(0.78, 0.95, agents)
    second = (main + rng.integers(1, topics, agents)) % topics
    level[second, np.arange(agents)] = rng.uniform(0.60, 0.80, agents)
    p = level[topic]
    calls_only = np.arange(agents) >= 2 * agents // 3
    eligible = (channel[:, None] == LabChannel.VOICE) | ~calls_only
    patience_s = np.array([220.0, 260.0, np.inf])
    work = _Work(
        names=tuple(
            f"topic {t} {LabChannel(c).name.lower()}" for t, c in zip(topic, channel, strict=True)
        ),
        channel=channel,
        share=share,
        value=np.array([12.0, 25.0, 40.0, 20.0])[topic],
        patience_s=patience_s[channel],
    )
    handle_s = np.array([300.0, 480.0, 300.0])[channel] * rng.uniform(0.9, 1.1, topics)[topic]
    return work, p, _slower_without_skill(handle_s, p), eligible


def _slower_without_skill(handle_s: Floats, p: Floats) -> Floats:
    """(K, A): a tenth longer at p 0.45 than at p 0.95."""
    h: Floats = handle_s[:, None] * (1 + 0.2 * (0.85 - p))
    return h


_BUILDERS: dict[Family, Callable[[np.random.Generator], _Parts]] = {
    Family.SMALL: _small,
    Family.MEDIUM: lambda rng: _by_skill_and_language(rng, 150, 10, np.array([0.6, 0.25, 0.15])),
    Family.LARGE: lambda rng: _by_skill_and_language(
        rng, 600, 20, np.array([0.5, 0.25, 0.15, 0.10])
    ),
    Family.BLEND: _blend,
}
