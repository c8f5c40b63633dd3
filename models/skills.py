"""Required skills against the agents' proficiencies, and the probability of resolving."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.capacity import AgentState, Mask
from models.conversations import Conversations
from models.policy import Policy
from models.problem import Floats, Ints

MISSING = -1
ROUNDING = 1e-12
"""A probability that equals the floor but for its last bits reaches it."""
_LEVELS = 10.0


@dataclass(frozen=True, eq=False)
class SkillLevels:
    """S skills that are asked for, K classes of conversations, A agents.

    The probability of resolving is linear in the mean proficiency of the required skills that are
    no languages, so it is kept as such: `share` times proficiency, summed over those skills.
    """

    policy: Policy
    proficiency: NDArray[np.int8]
    """(S, A), MISSING where the agent does not have the skill."""
    requirements: pl.DataFrame
    """(class_idx, skill_idx, min_proficiency, is_language, place): `place` counts the skills of a
    class from 0, languages and others apart."""
    num_skills: Ints
    """(K,) required skills that are no languages."""

    def all_met(self, *, language: bool) -> Mask:
        """[k, a] whether agent a meets every requirement of class k of this kind."""
        met = np.ones((len(self.num_skills), self.proficiency.shape[1]), dtype=bool)
        for owner, skill, least in self._by_place(language=language):
            met[owner] &= self.proficiency[skill] >= least[:, None]
        return met

    def reaches_floor(self) -> Mask:
        """[k, a] whether the probability of resolving is at least the policy's floor."""
        policy = self.policy
        shape = (len(self.num_skills), self.proficiency.shape[1])
        if min(policy.p_lowest, policy.p_no_skill) >= policy.p_floor:
            return np.ones(shape, dtype=bool)
        total = np.zeros(shape, dtype=np.int16)
        for owner, skill, _ in self._by_place(language=False):
            total[owner] += np.maximum(self.proficiency[skill], 0)
        return self._probability(total.astype(np.float64)) >= policy.p_floor - ROUNDING

    def mean_probability(self, chosen: Mask) -> Floats:
        """Mean probability of resolving over the chosen agents of each class, (K,)."""
        count = np.count_nonzero(chosen, axis=1)
        # Sums of small integers are exact in single precision.
        known = np.maximum(self.proficiency, 0).astype(np.float32)
        by_skill = chosen.astype(np.float32) @ known.T
        total = np.zeros(len(count))
        for owner, skill, _ in self._by_place(language=False):
            total[owner] += by_skill[owner, skill]
        mean = self._probability((total / np.maximum(count, 1))[:, None])[:, 0]
        return np.where(count > 0, mean, self.policy.p_no_skill)

    def match_terms(self) -> tuple[Floats, Ints, Floats]:
        """The probability as base (K,) plus share (K, R) times proficiency in skill (K, R).

        R is the largest number of skills of a class; shorter lists are padded with share 0.
        """
        width = int(self.num_skills.max(initial=0))
        skill_of = np.zeros((len(self.num_skills), width), dtype=np.int64)
        share = np.zeros((len(self.num_skills), width))
        slope = (self.policy.p_highest - self.policy.p_lowest) / _LEVELS
        for place, (owner, skill, _) in enumerate(self._by_place(language=False)):
            skill_of[owner, place] = skill
            share[owner, place] = slope / self.num_skills[owner]
        base = np.where(self.num_skills > 0, self.policy.p_lowest, self.policy.p_no_skill)
        return base, skill_of, share

    def _probability(self, total: Floats) -> Floats:
        """Probability of resolving from the sum of proficiencies, (K, any)."""
        policy, skills = self.policy, self.num_skills[:, None]
        mean = total / (_LEVELS * np.maximum(skills, 1))
        linear = policy.p_lowest + (policy.p_highest - policy.p_lowest) * mean
        return np.where(skills > 0, linear, policy.p_no_skill)

    def _by_place(self, *, language: bool) -> list[tuple[Ints, Ints, NDArray[np.int8]]]:
        """(class, skill, least level) of the first, second ... requirement of every class."""
        rows = self.requirements.filter(pl.col("is_language") == language)
        return [
            (
                group["class_idx"].to_numpy().astype(np.int64),
                group["skill_idx"].to_numpy().astype(np.int64),
                group["min_proficiency"].to_numpy().astype(np.int8),
            )
            for group in rows.sort("place", "class_idx").partition_by("place", maintain_order=True)
        ]


def build_skill_levels(
    batch: Batch, conversations: Conversations, agents: AgentState, policy: Policy
) -> SkillLevels:
    """Proficiency of every agent in every skill that a conversation of the batch asks for."""
    skills = conversations.requirements.select("skill").unique().sort("skill")
    skills = skills.with_row_index("skill_idx")
    known = batch.agent_skills.join(skills, on="skill").join(
        agents.agents.select("agent_id", "agent_idx"), on="agent_id"
    )
    table = np.full((max(len(skills), 1), len(agents.agents)), MISSING, dtype=np.int8)
    table[known["skill_idx"].to_numpy(), known["agent_idx"].to_numpy()] = known[
        "proficiency"
    ].to_numpy()
    rows = (
        conversations.requirements.join(skills, on="skill")
        .sort("class_idx", "skill")
        .with_columns(place=pl.int_range(pl.len()).over("class_idx", "is_language"))
    )
    owner = rows.filter(~pl.col("is_language"))["class_idx"].to_numpy()
    return SkillLevels(
        policy=policy,
        proficiency=table,
        requirements=rows,
        num_skills=np.bincount(owner, minlength=len(conversations.classes)).astype(np.int64),
    )
