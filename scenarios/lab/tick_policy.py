"""The policy that says to the product what a lab centre says to everybody: money, room, patience.

The lab prices expected resolutions, waiting and leaving, and nothing else; rules that its day does
not know (rates, locks, overtime, sentiment, targets with penalties) are given no weight.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from models.channel_policy import ChannelPolicy, default_channels
from models.number_ranges import YEAR_S
from models.policy import Policy
from models.tables import Channel, Tier
from scenarios.lab.centre import Floats, LabCentre, LabChannel

CHANNELS = (Channel.VOICE, Channel.CHAT, Channel.EMAIL)
"""The product's channel of each `LabChannel`."""
CAPACITY = 100.0
"""Units of an agent: one call, or all chats, or one email to begin."""
LONGEST_S = YEAR_S
"""Stands for customers who never leave."""
HOLD_HORIZON_S = 60.0


def tick_policy(centre: LabCentre, hold_horizon_s: float = HOLD_HORIZON_S) -> Policy:
    """The centre's numbers as a policy.

    What the product knows by channel only (patience, waiting) is the mean over the channel's
    arrivals; the share of the value that is lost is the mean over all. The lab's cost of waiting
    grows evenly and the product's with the square: they are equal at the target.
    """
    classes = centre.classes
    low, high = probability_range(centre)
    return Policy(
        tick_s=centre.tick_s,
        channels=_channels(centre),
        breach_penalties=dict.fromkeys(Tier, 0.0),
        benefit_fixed=0.0,
        benefit_share=1.0,
        failure_fixed=0.0,
        failure_share=0.0,
        service_worth=0.0,
        loss_fixed=0.0,
        loss_share=_mean(centre, classes.loss_share, np.ones(centre.num_classes, dtype=bool)),
        p_lowest=low,
        p_highest=high,
        p_floor=0.0,
        overtime_cost_per_s=0.0,
        shift_margin_s=0.0,
        handover_cost=0.0,
        interrupt_cost=0.0,
        fairness_cost=0.0,
        drain_agents=0,
        hold_horizon_s=hold_horizon_s,
    )


def probability_range(centre: LabCentre) -> tuple[float, float]:
    """Smallest and largest p of the eligible pairs."""
    known = centre.p[centre.eligible]
    return float(known.min(initial=1.0)), float(known.max(initial=0.0)) if len(known) else 1.0


def _channels(centre: LabCentre) -> Mapping[Channel, ChannelPolicy]:
    written = (Channel.VOICE, Channel.CHAT)
    rules = {
        LabChannel.VOICE: {"units": CAPACITY, "blocks": tuple(Channel), "yields_to": ()},
        LabChannel.CHAT: {
            "units": CAPACITY / centre.chats,
            "blocks": (Channel.VOICE,),
            "yields_to": (),
        },
        # Begun by who holds nothing; everything else interrupts it, and then it lies still.
        LabChannel.EMAIL: {"units": CAPACITY, "blocks": (), "yields_to": written},
    }
    channels = dict(default_channels())
    for kind, rule in rules.items():
        name = CHANNELS[kind]
        channels[name] = replace(
            channels[name],
            **rule,  # type: ignore[arg-type]
            **_customers(centre, kind),  # type: ignore[arg-type]
            parked_share=0.0,
            max_new_per_tick=1,
            inactive_after_s=0.0,
            max_per_hour=0,
            accept_timeout_s=0.0,
            same_agent_window_s=0.0,
            hold_preferred_s=0.0,
            ahead_s=0.0,
            max_wait_s=0.0,
        )
    return channels


def _customers(centre: LabCentre, kind: LabChannel) -> Mapping[str, float]:
    """Patience and cost of waiting on one channel; nothing if no class uses it."""
    classes = centre.classes
    here = classes.channel == kind
    if not here.any():
        return {}
    patience_s = np.minimum(classes.patience_s, LONGEST_S)
    return {
        "mean_patience_s": 1.0 / _mean(centre, 1.0 / patience_s, here),
        "waiting_cost": _mean(centre, classes.waiting_cost * classes.target_s, here),
    }


def _mean(centre: LabCentre, each: Floats, chosen: np.ndarray) -> float:
    """Mean over the arrivals of the chosen classes."""
    arrivals = centre.classes.rate.sum(axis=1)[chosen]
    weight = arrivals if arrivals.any() else None
    return float(np.average(each[chosen], weights=weight))
