"""Times that are often cut short: Kaplan and Meier's estimate, and draws from it."""

from dataclasses import dataclass

import numpy as np

from scenarios.lab.centre import Flags, Floats


@dataclass(frozen=True, eq=False)
class Survival:
    """A step curve with an exponential tail after the last event."""

    at_s: Floats
    """(n,) instants of events, ascending."""
    survives: Floats
    """(n,) share that is still there after each."""
    mean_s: float
    """Total time / events: the mean of the exponential that fits the same observations best."""
    num_events: int
    num_observed: int

    def share_after(self, seconds: Floats) -> Floats:
        """Share that is still there after so long, in the shape of `seconds`."""
        steps = np.concatenate([[1.0], self.survives])
        last_s = self.at_s[-1] if len(self.at_s) else 0.0
        beyond = np.clip(seconds - last_s, 0.0, None)
        after: Floats = steps[np.searchsorted(self.at_s, seconds, side="right")]
        return after * np.exp(-beyond / self.mean_s)

    def draw(self, hazard: Floats) -> Floats:
        """Times for standard exponential draws, in their shape: where -log share reaches them."""
        if not len(self.at_s):
            return self.mean_s * hazard
        spent = -np.log(np.maximum(self.survives, np.finfo(float).tiny))
        place = np.searchsorted(spent, hazard, side="left")
        within = place < len(self.at_s)
        tail_s = self.at_s[-1] + self.mean_s * (hazard - spent[-1])
        return np.where(within, self.at_s[np.minimum(place, len(self.at_s) - 1)], tail_s)

    def exponential_after(self, seconds: Floats) -> Floats:
        """The same share if the times were exponential."""
        share: Floats = np.exp(-seconds / self.mean_s)
        return share


def kaplan_meier(seconds: Floats, is_event: Flags) -> Survival:
    """The curve of times of which some are only known to be longer (`is_event` False).

    Whoever is censored at the instant of an event was still there. Without any event nobody
    ever leaves: `mean_s` is inf. Kaplan and Meier (1958), J. Amer. Statist. Assoc. 53.
    """
    order = np.argsort(seconds, kind="stable")
    times, begin = np.unique(seconds[order], return_index=True)
    events = np.add.reduceat(is_event[order].astype(np.float64), begin) if len(begin) else times
    at_risk = len(seconds) - begin
    happened = events > 0
    total = int(is_event.sum())
    survives = np.cumprod(1 - events[happened] / at_risk[happened], dtype=np.float64)
    return Survival(
        at_s=times[happened],
        survives=survives,
        mean_s=float(seconds.sum() / total) if total else np.inf,
        num_events=total,
        num_observed=len(seconds),
    )
