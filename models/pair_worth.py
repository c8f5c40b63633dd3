"""What single pairs of a problem are worth, term by term."""

import numpy as np
import polars as pl

from models.gain import Gain, Term
from models.problem import NOBODY, AssignmentProblem, Floats, Ints, Positions


def terms_of(problem: AssignmentProblem, gain: Gain, agent: Positions) -> pl.DataFrame:
    """Terms of the gain with the agent of each conversation in money, null where it has none."""
    there = np.maximum(agent, 0)
    values: dict[Term, Floats] = {term: np.zeros(len(agent)) for term in Term}
    if problem.num_agents:
        for place, term in enumerate(gain.rated):
            rate = gain.rate[gain.term_row[:, place], there]
            values[term] += gain.term_coef[:, place] * rate
    extra = gain.extra.filter(
        pl.Series(
            agent[gain.extra["conversation_idx"].to_numpy()] == gain.extra["agent_idx"].to_numpy(),
            dtype=pl.Boolean,
        )
    )
    for term in (Term.STICKINESS, Term.DECLINES):
        values[term][extra["conversation_idx"].to_numpy()] = extra[term.value].to_numpy()
    values[Term.MATCH] += gain.match_base
    values[Term.VALUE_AT_RISK] += gain.value_at_risk
    values[Term.PRIORITY] += gain.priority
    values[Term.HEAD_WORTH] += gain.head_worth
    return pl.DataFrame(
        {term.value: np.where(agent == NOBODY, np.nan, value) for term, value in values.items()}
    ).fill_nan(None)


def gains_of(problem: AssignmentProblem, agent: Positions) -> Ints:
    """Gain of each conversation with its agent, (C,) milli-units, 0 where it has none.

    Only for eligible pairs.
    """
    pairs = problem.pairs
    width = max(problem.num_agents, 1)
    wanted = np.flatnonzero(agent != NOBODY)
    key = pairs.contact.astype(np.int64) * width + pairs.agent
    place = np.searchsorted(key, wanted * width + agent[wanted])
    gains = np.zeros(len(agent), dtype=np.int64)
    gains[wanted] = pairs.gain[place]
    return gains
