"""A router that decides by other numbers than the true ones: other weights, wrong estimates."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scenarios.lab.centre import Floats, LabCentre
from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision, Router
from scenarios.study.altered import Altered
from scenarios.study.changes import Errors
from scenarios.study.customers import StudyPurpose, study_stream


@dataclass(frozen=True, eq=False)
class Believing:
    """Shows a router the floor of the centre that it believes in."""

    router: Router
    centre: LabCentre
    value_factor: Floats
    """(K,)"""

    def decide(self, floor: Floor) -> Decision:
        """What the router decides there."""
        value = floor.value * self.value_factor[floor.kind]
        return self.router.decide(replace(floor, centre=self.centre, value=value))


def believing_router(
    new_router: Callable[[LabCentre, int], Router], altered: Altered, seed: int
) -> Router:
    """The policy's router for one day, with the weights and the errors of the override."""
    centre = believed_centre(altered, seed)
    if centre is altered.truth:
        return new_router(centre, seed)
    factor = centre.classes.value_mean / altered.truth.classes.value_mean
    return Believing(new_router(centre, seed), centre, factor)


def believed_centre(altered: Altered, seed: int) -> LabCentre:
    """What routers believe on that day; the true centre itself where that is all they believe."""
    errors, centre = altered.errors, altered.weights
    if errors == Errors():
        return centre
    classes = centre.classes
    rate = classes.rate * errors.forecast_factor
    rate = rate * _factor(seed, StudyPurpose.FORECAST, errors.forecast, rate.shape)
    p = centre.p
    if errors.resolution:
        # Not without errors: rounding must not move anybody across a threshold.
        odds = p / np.maximum(1 - p, 1e-9)
        odds = odds * _factor(seed, StudyPurpose.RESOLUTION, errors.resolution, odds.shape)
        p = odds / (1 + odds)
    return replace(
        centre,
        classes=replace(classes, rate=rate),
        p=p,
        h=centre.h * _factor(seed, StudyPurpose.HANDLING, errors.handling, centre.h.shape),
    )


def _factor(seed: int, purpose: StudyPurpose, sigma: float, shape: tuple[int, ...]) -> Floats:
    """Lognormal factors of mean 1."""
    normal = study_stream(seed, purpose).standard_normal(shape)
    factor: Floats = np.exp(sigma * normal - sigma**2 / 2)
    return factor
