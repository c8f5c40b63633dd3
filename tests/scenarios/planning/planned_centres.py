"""Centres of one or two classes whose plans are known by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scenarios.lab.centre import LabCentre
from tests.scenarios.lab.hand_made import NEVER, centre, classes


def queue(
    per_hour: Sequence[float],
    *,
    agents: int = 1,
    handle_s: float = 60.0,
    patience_s: float = NEVER,
    tick_s: float = 5.0,
) -> LabCentre:
    """One class in intervals of an hour; everybody resolves everything, worth 10 each."""
    kinds = replace(
        classes(patience_s=patience_s), rate=np.array([per_hour], dtype=np.float64) / 3600.0
    )
    made = centre(agents, p=np.ones((1, agents)), handle_s=handle_s, tick_s=tick_s)
    return replace(
        made,
        classes=kinds,
        horizon_s=3600.0 * len(per_hour),
        interval_s=3600.0,
        shift_until_s=np.full(agents, 3600.0 * len(per_hour) + 3600.0),
    )


def two_teams(agents: int = 2) -> LabCentre:
    """Class 0 is hardly asked for, class 1 is far too much for its team; nobody does both."""
    made = queue([60.0, 60.0], agents=2 * agents, patience_s=120.0)
    kinds = classes(2, patience_s=120.0, loss_share=0.2, waiting_cost=0.001)
    kinds = replace(kinds, rate=np.array([[6.0, 6.0], [240.0, 240.0]]) / 3600.0)
    team = np.repeat([0, 1], agents)
    own = np.arange(2)[:, None] == team
    return replace(
        made,
        classes=kinds,
        p=np.where(own, 0.9, 0.0),
        h=np.full((2, 2 * agents), 60.0),
        eligible=own,
    )
