"""Is a published plan what it claims to be? A second opinion that needs this file and numpy only.

It shares no code with what makes plans. `docs/certificate.md` says what the arrays mean and why
the bound holds. `omniassign check` runs it, and so does any Python with numpy:

    python check_certificate.py certificate.npz
"""

import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

Arrays = Mapping[str, Any]

BLOCK = 2**18
"""Pairs that are looked at together, so that memory does not grow with their number."""

LARGEST, WIDE, KEY = 2**40 + 1, 2**62, 2**41
PROOFS = {"prices": True, "rents": True, "search": False, "tiers": False, "units": False}
"""Whether the rents must prove the stated bound, by what is stated to prove it."""

FORMAT: dict[str, tuple[str, tuple[str, ...], Any, Any]] = {
    # name: kind, shape, least value, and what all values stay below: a number or a dimension
    "class_ptr": ("i", ("K+1",), 0, WIDE),
    "agent_cap": ("i", ("A",), 0, WIDE),
    "class_agent": ("i", ("N",), 0, "A"),
    "agent_id": ("U", ("A",), "", "\U0010ffff"),
    "lane_cap": ("i", ("A", "L"), 0, WIDE),
    "load_cost": ("i", ("A", "F"), 0, LARGEST),
    "site_cap": ("i", ("S",), 0, WIDE),
    "agent_site": ("i", ("A",), -1, "S"),
    "mix_start": ("i", ("A+1",), 0, WIDE),
    "mix_count": ("i", ("P", "L"), 0, WIDE),
    "unit_cap": ("i", ("A",), -1, WIDE),
    "unit_of_entry": ("i", ("E",), 0, LARGEST),
    "rate": ("f", ("T", "A"), -1e30, 1e30),
    "contact_class": ("i", ("C",), 0, "K"),
    "contact_id": ("U", ("C",), "", "\U0010ffff"),
    "contact_lane": ("i", ("C",), 0, "L"),
    "only_agent": ("i", ("C",), -1, "A"),
    "base": ("f", ("C",), -1e30, 1e30),
    "term_row": ("i", ("C", "R"), 0, "T"),
    "term_coef": ("f", ("C", "R"), -1e30, 1e30),
    "banned_contact": ("i", ("B",), 0, "C"),
    "banned_agent": ("i", ("B",), 0, "A"),
    "extra_contact": ("i", ("X",), 0, "C"),
    "extra_agent": ("i", ("X",), 0, "A"),
    "extra_gain": ("f", ("X",), -1e30, 1e30),
    "served": ("i", ("G",), 0, WIDE),
    "tier_level": ("i", ("G",), 0, LARGEST),
    "tier_weight": ("i", (), 0, LARGEST),
    "tier": ("i", ("C",), -1, "G"),
    "agent": ("i", ("C",), -1, "A"),
    "rent": ("i", ("C",), 0, LARGEST),
    "site_price": ("i", ("S",), 0, LARGEST),
    "gain": ("i", (), -WIDE, WIDE),
    "rent_bound": ("i", (), -WIDE, WIDE),
    "bound": ("i", (), -WIDE, WIDE),
    "optimal": ("b", (), 0, 2),
    "proof": ("U", (), "", "\U0010ffff"),
    "tick_at": ("U", (), "", "\U0010ffff"),
}


def check(file: Arrays) -> list[str]:
    """What is wrong with a certificate, given its arrays by name; empty if its claim is true."""
    z, faults = _read(file)
    if faults:
        return faults
    # Serving a tier counts as so much money in the proof, and is taken off again below.
    z["lift"] = (z["tier_weight"] * np.append(z["tier_level"], 0))[z["tier"]]
    gain_of, units_of, left, largest = _look_at_every_pair(z)
    on, (agents, lanes) = z["agent"] >= 0, z["lane_cap"].shape
    if largest >= LARGEST or (gain_of[on] <= -LARGEST).any():
        return ["a contact has an agent that it is not eligible for, or a gain is beyond 2^40"]
    place = (z["agent"] * lanes + z["contact_lane"])[on]
    load = np.bincount(place, minlength=agents * lanes).reshape(agents, lanes)
    gain = int(gain_of[on].astype(np.int64).sum())
    bound = int(z["rent"].sum()) + sum(z["site_price"].astype(object) * z["site_cap"])
    bound -= int(z["lift"][on].sum())
    for j, count in enumerate(load.sum(axis=1).tolist()):
        steps = z["load_cost"][j].tolist() or [0]
        gain -= sum(steps[:count]) + steps[-1] * max(0, count - len(steps))
        bound += _best_mix(z, j, steps, left[j * lanes : (j + 1) * lanes])
    claims = {
        f"the gain is {gain}, stated is {z['gain']}": gain == z["gain"],
        f"the rents prove {bound}, stated is {z['rent_bound']}": bound <= z["rent_bound"],
        "the bound is below what the rents prove": (
            not PROOFS[str(z["proof"])] or z["rent_bound"] <= z["bound"]
        ),
        "the gain is above the bound": z["gain"] <= z["bound"],
        "an optimum is stated, with a gap": z["gain"] == z["bound"] or not z["optimal"],
        **_limits(z, load, units_of),
    }
    return [text for text, true in claims.items() if not true]


def _read(file: Arrays) -> tuple[dict[str, Any], list[str]]:
    """The arrays, whole numbers as int64, and the first that is not as FORMAT says."""
    z, size = {name: np.asarray(file.get(name)) for name in FORMAT}, dict[str, int]()
    for name, (kind, shape, low, high) in FORMAT.items():
        array, more = z[name], [int(dim[1:] or 0) for dim in shape]
        if (array.dtype.kind, array.ndim) != (kind, len(shape)):
            return z, [f"array {name} is missing, or of another type than stated"]
        for dim, length, extra in zip(shape, array.shape, more, strict=True):
            if size.setdefault(dim[0], length - extra) != length - extra:
                return z, [f"array {name} has length {length}, unlike other arrays"]
        if not ((array >= low) & (array < size.get(high, high))).all():
            return z, [f"array {name} has a value out of range, or one that is no number"]
        z[name] = array.astype(np.int64) if kind == "i" else array
    return z, _structure(z, size)


def _structure(z: Arrays, size: Mapping[str, int]) -> list[str]:
    """What does not fit together although every array by itself is right; at most one thing."""
    if size["A"] * size["L"] * KEY >= 2**63:
        return ["there are more agents and lanes than this checker can tell apart"]
    for start, end in (("class_ptr", size["N"]), ("mix_start", size["P"])):
        if [*z[start][:1], *z[start][-1:]] != [0, end] or (np.diff(z[start]) < 0).any():
            return [f"array {start} does not rise from 0 to {end}"]
    has_units = (z["unit_cap"] >= 0).any()
    pairs = int(np.diff(z["class_ptr"])[z["contact_class"]].sum()) if has_units else 0
    if size["E"] != pairs:
        return [f"array unit_of_entry has {size['E']} values, unlike {pairs} pairs"]
    if int(z["tier_weight"]) * int(z["tier_level"].max(initial=0)) >= LARGEST:
        return ["a tier weighs more than 2^40"]
    known = str(z["proof"]) in PROOFS
    return [] if known else [f"proof is {z['proof']}, not one of {', '.join(PROOFS)}"]


def _look_at_every_pair(z: Arrays) -> tuple[Any, Any, list[list[int]], float]:
    """Gain (-inf where not eligible) and units of each contact at its agent; per agent and lane
    the largest gains less rent and site price, no more than the lane holds; the largest gain.
    """
    (agents, lanes), cap, largest = z["lane_cap"].shape, z["lane_cap"].ravel(), -np.inf
    gain_of, units_of = np.full(len(z["agent"]), -np.inf), np.zeros(len(z["agent"]))
    site_price = np.append(z["site_price"], 0)[z["agent_site"]]
    # Kept values, sorted by agent and lane and then falling: one whole number holds all three.
    kept, floor = np.zeros(0, dtype=np.int64), np.where(z["lane_cap"].T > 0, 0.0, np.inf)
    for who, team, gain, unit in _blocks(z):
        mine, at = np.nonzero(z["agent"][who, None] == team)
        gain_of[who[mine]], units_of[who[mine]] = gain[mine, at], unit[mine, at]
        largest = max(largest, gain.max(initial=-np.inf))
        left = gain + (z["lift"] - z["rent"])[who, None] - site_price[team]
        row, column = np.nonzero(left > floor[:, team][z["contact_lane"][who]])
        place = team[column] * lanes + z["contact_lane"][who[row]]
        value = np.minimum(left[row, column], LARGEST).astype(np.int64)
        kept = np.sort(np.append(kept, place * KEY - value))
        place = -(-kept // KEY)
        nth = np.arange(len(kept)) - np.searchsorted(place, place)
        last = nth == cap[place] - 1
        floor.T.flat[place[last]] = (place * KEY - kept)[last]
        kept = kept[nth < cap[place]]
    place = -(-kept // KEY)
    cuts = np.searchsorted(place, np.arange(agents * lanes + 1)).tolist()
    value = (place * KEY - kept).tolist()
    best = [value[start:end] for start, end in pairwise(cuts)]
    return gain_of, units_of, best, largest


def _blocks(z: Arrays) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Contacts of one class, its agents, and their gains and units as matrices."""
    class_of, start = z["contact_class"], z["class_ptr"]
    sizes = np.diff(start)[class_of]
    first_unit = np.cumsum(sizes) - sizes
    order = np.argsort(class_of, kind="stable")
    nth = np.arange(len(order)) - np.searchsorted(class_of[order], class_of[order])
    begins = np.flatnonzero(nth % (BLOCK // (sizes[order] + 1) + 1) == 0)
    # A ban is an extra that nothing outweighs.
    extra_contact = np.append(z["extra_contact"], z["banned_contact"])
    extra_agent = np.append(z["extra_agent"], z["banned_agent"])
    extra = np.append(z["extra_gain"], np.full(len(z["banned_agent"]), -np.inf))
    for who in np.split(order, begins)[1:]:
        team = z["class_agent"][start[class_of[who[0]]] : start[class_of[who[0]] + 1]]
        money = np.repeat(z["base"][who, None], len(team), axis=1)
        for rows, coef in zip(z["term_row"][who].T, z["term_coef"][who].T, strict=True):
            used, which = np.unique(rows, return_inverse=True)
            money += coef[:, None] * z["rate"][np.ix_(used, team)][which]
        row, column = np.full(len(order), -1), np.full(z["rate"].shape[1], -1)
        row[who], column[team] = np.arange(len(who)), np.arange(len(team))
        here = (row[extra_contact] >= 0) & (column[extra_agent] >= 0)
        np.add.at(money, (row[extra_contact[here]], column[extra_agent[here]]), extra[here])
        only = z["only_agent"][who, None]
        money[(only >= 0) & (only != team)] = -np.inf
        entry = first_unit[who, None] + np.arange(len(team))
        unit = z["unit_of_entry"][entry] if len(z["unit_of_entry"]) else 0 * entry
        yield who, team, np.rint(money * 1000), unit


def _best_mix(z: Arrays, j: int, steps: list[int], left: list[list[int]]) -> int:
    """What agent j would earn by the best of its mixes, load costs taken off."""
    best = 0
    for mix in z["mix_count"][z["mix_start"][j] : z["mix_start"][j + 1]].tolist():
        taken = sorted(value for lane, n in zip(left, mix, strict=True) for value in lane[:n])
        dear = [steps[min(n, len(steps) - 1)] for n in range(min(len(taken), z["agent_cap"][j]))]
        best = max(best, sum(max(0, v - c) for v, c in zip(taken[::-1], dear, strict=False)))
    return best


def _limits(z: Arrays, load: Any, units_of: Any) -> dict[str, bool]:  # noqa: ANN401
    """Whether each limit is kept, by what would be said if it were not."""
    on, count = z["agent"] >= 0, load.sum(axis=1)
    of = np.repeat(np.arange(len(load)), np.diff(z["mix_start"]))
    fitting = of[(load[of] <= z["mix_count"]).all(axis=1)]
    units = np.bincount(z["agent"][on], units_of[on], minlength=len(load))
    room = np.where(z["unit_cap"] < 0, np.inf, z["unit_cap"])
    sites = np.bincount(z["agent_site"] + 1, count, minlength=len(z["site_cap"]) + 1)[1:]
    tiers = np.bincount(z["tier"][on & (z["tier"] >= 0)], minlength=len(z["served"]))
    return {
        "a lane holds more than its cap": (load <= z["lane_cap"]).all(),
        "an agent holds more than its cap": (count <= z["agent_cap"]).all(),
        "an agent holds what fits none of its mixes": len(set(fitting.tolist())) == len(load),
        "an agent holds more units than its cap": (units <= room).all(),
        "a site holds more than its cap": (sites <= z["site_cap"]).all(),
        "the contacts served by tier are not those stated": (tiers == z["served"]).all(),
        "a contact is listed twice": len(set(z["contact_id"].tolist())) == len(on),
        "an agent is listed twice": len(set(z["agent_id"].tolist())) == len(load),
    }


if __name__ == "__main__":
    with np.load(sys.argv[1], allow_pickle=False) as found:
        sys.exit("; ".join(check(found)) or 0)
