"""How sure it is that promises hold on average: lower limits, the work of the days as control.

Days differ in how much work they bring, and their service mostly because of that. What is expected
is known, so a regression on it takes this luck out of the mean, and out of its error (control
variates; Lavenberg and Welch 1981).
"""

import numpy as np
from scipy.stats import t as student

from scenarios.lab.centre import Floats, LabCentre
from scenarios.planning.service import Days


def surplus_work(centre: LabCentre, days: Days, usual_s: Floats) -> Floats:
    """(D, T) agent-seconds that came in each interval beyond what is expected.

    `usual_s` is (K,) mean agent-seconds of a contact.
    """
    intervals = centre.num_intervals
    begin = np.arange(intervals) * centre.interval_s
    length = np.minimum(begin + centre.interval_s, centre.horizon_s) - begin
    expected = (centre.classes.rate * length * usual_s[:, None]).sum(axis=0)
    came = np.zeros((len(days.seeds), intervals))
    for row, day in zip(came, days.drawn, strict=True):
        interval = np.minimum(day.arrival_s // centre.interval_s, intervals - 1).astype(np.int64)
        np.add.at(row, interval, usual_s[day.kind] * day.noise[:, 0])
    return np.asarray(came - expected)


def lower_limits(slack: Floats, surplus: Floats, confidence: float) -> Floats:
    """(promises, T) one-sided lower confidence limits of the mean over days.

    `slack` is (promises, D, T); `surplus` (D, T), of mean 0 in truth, is the control. With fewer
    than five days there is no regression.
    """
    number = slack.shape[1]
    mean = slack.mean(axis=1)
    if number < 5:
        margin = float(student.ppf(confidence, number - 1)) / np.sqrt(number)
        return np.asarray(mean - margin * slack.std(axis=1, ddof=1))
    centred = surplus - surplus.mean(axis=0)
    total = np.maximum((centred**2).sum(axis=0), 1e-12)
    rest = slack - mean[:, None]
    slope = (rest * centred).sum(axis=1) / total
    rest = rest - slope[:, None] * centred
    variance = (rest**2).sum(axis=1) / (number - 2)
    error = np.sqrt(variance * (1 / number + surplus.mean(axis=0) ** 2 / total))
    margin = float(student.ppf(confidence, number - 2))
    return np.asarray(mean - slope * surplus.mean(axis=0) - margin * error)
