"""Section 4 of `docs/model.md` as the audit reads it: profiles, rates and channels that yield."""

from dataclasses import replace

import numpy as np

from models.plan import Reason
from models.policy import Policy, ProfilePolicy, ProfileReset
from models.recount.case import Recount
from models.tables import Channel
from tests.models.recounted import offer, verdict
from tests.models.tiny import ahead, tiny, with_channel

POLICY = Policy()
EMAIL, CHAT = (list(Channel).index(channel) for channel in (Channel.EMAIL, Channel.CHAT))


def lanes(tables: Recount) -> dict[tuple[str, str], int]:
    """Place of each lane by channel and profiles."""
    c = tables.conversations
    names = [list(Channel)[channel].value for channel in c.lanes.channel.tolist()]
    return {pair: at for at, pair in enumerate(zip(names, c.lanes.profiles, strict=True))}


def fits(tables: Recount, **counts: int) -> bool:
    """Whether the first agent can take these counts together; `email_vip` is a lane's name."""
    at, new = lanes(tables), np.zeros_like(tables.room.lane_cap)
    for name, count in counts.items():
        channel, _, profile = name.partition("_")
        new[0, at[channel, profile]] = count
    within = bool((new <= tables.room.lane_cap).all())
    return within and not bool(tables.room.overfull(new)[0])


def test_lanes_with_a_profile_share_what_it_leaves() -> None:
    """vip leaves 2 of everything: 3 emails in all, 2 of them vip, less a vip message."""
    contacts = [
        {"contact_id": "e1"},
        {"contact_id": "e2", "profiles": "vip"},
        {"contact_id": "m", "channel": "messaging", "profiles": " vip ,"},
    ]
    policy = replace(POLICY, profiles={"vip": ProfilePolicy(2)})
    tables = Recount(tiny(agents=[{"agent_id": "a"}], contacts=contacts), policy)
    at = lanes(tables)
    cap = tables.room.lane_cap[0]
    assert [cap[at[lane]] for lane in (("email", ""), ("email", "vip"))] == [3, 2]
    assert cap[at["messaging", "vip"]] == 1
    assert tables.room.agent_cap[0] == 4  # 3 emails and the message, as long as one is not vip
    assert fits(tables, email=2, email_vip=1, messaging_vip=1)
    assert not fits(tables, email=1, email_vip=2, messaging_vip=1), "3 of the profile"
    assert not fits(tables, email=2, email_vip=2), "4 of the channel in one tick"


def test_a_profile_of_the_shift_counts_its_offers_and_an_agent_may_have_an_own_limit() -> None:
    """Two offers since the start of the shift stand, a declined and an older one do not."""
    offers = [
        offer("a", "1", "completed", 3600) | {"profiles": "day,other"},
        offer("a", "2", "delivered", 20) | {"profiles": "day"},
        offer("a", "3", "declined", 30) | {"profiles": "day"},
        offer("a", "4", "completed", 3601) | {"profiles": "day"},
    ]
    held = {
        "agent_id": "a",
        "contact_id": "h",
        "profiles": "day,now",
        "expected_end_at": ahead(99),
    }
    batch = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[{"contact_id": "c", "profiles": "day"}, {"contact_id": "d", "profiles": "now"}],
        agent_load=[held],
        agent_profiles=[{"agent_id": "a", "profile": "now", "max_items": 1}],
        offers=offers,
    )
    profiles = {"day": ProfilePolicy(2, ProfileReset.END_OF_SHIFT), "now": ProfilePolicy(9)}
    tables = Recount(batch, replace(POLICY, profiles=profiles))
    assert tables.agents.profiles == ("day", "now")
    assert tables.agents.profile_left.tolist() == [[0, 0], [2, 9]]
    assert verdict(tables, "c", "a") is Reason.PROFILE_FULL
    assert verdict(tables, "d", "a") is Reason.PROFILE_FULL
    assert verdict(tables, "d", "b") is None


def test_a_rate_limits_all_lanes_of_its_channel_together() -> None:
    """4 an hour less 2 that stand: neither the rescinded nor the one an hour ago counts."""
    offers = [
        offer("a", "1", "declined", 3599),
        offer("a", "2", "completed", 10),
        offer("a", "3", "rescinded", 10),
        offer("a", "4", "completed", 3600),
    ]
    batch = tiny(
        agents=[{"agent_id": "a"}],
        contacts=[{"contact_id": "c"}, {"contact_id": "d", "profiles": "p"}],
        offers=offers,
    )
    two = Recount(batch, with_channel(POLICY, Channel.EMAIL, max_per_hour=4))
    assert two.room.agent_cap.tolist() == [2]
    assert fits(two, email=1, email_p=1)
    assert not fits(two, email=2, email_p=1)
    none = Recount(batch, with_channel(POLICY, Channel.EMAIL, max_per_hour=2))
    assert verdict(none, "c", "a") is Reason.RATE_LIMITED
    assert none.room.lane_cap[0, EMAIL] == 0


def test_channels_that_yield_leave_their_units_to_the_other() -> None:
    """33 units, emails yield to chats and may fill 20 units more.

    Chat beside n emails: 33 <= 33 for the chat; 33 + 10 n <= 53 for the emails, so n <= 2.
    """
    policy = with_channel(POLICY, Channel.CHAT, blocks=())
    policy = with_channel(policy, Channel.EMAIL, yields_to=(Channel.CHAT,), extra_units=20.0)
    batch = tiny(
        agents=[{"agent_id": "a", "capacity_units": 33.0}],
        contacts=[{"contact_id": "c"}, {"contact_id": "d", "channel": "chat"}],
    )
    tables = Recount(batch, policy)
    assert tables.room.lane_cap[0, [CHAT, EMAIL]].tolist() == [1, 3]
    assert fits(tables, chat=1, email=2)
    assert not fits(tables, chat=1, email=3)
    assert tables.room.agent_cap.tolist() == [3]


def test_two_lanes_of_a_channel_that_blocks_itself_take_one_together() -> None:
    """Two calls never stand beside each other, whatever profiles they carry."""
    batch = tiny(
        agents=[{"agent_id": "a", "capacity_units": 500.0}],
        contacts=[
            {"contact_id": "c", "channel": "voice"},
            {"contact_id": "d", "channel": "voice", "profiles": "p"},
        ],
    )
    policy = with_channel(POLICY, Channel.VOICE, max_new_per_tick=2)
    tables = Recount(batch, policy)
    assert tables.room.agent_cap.tolist() == [1]
    assert not fits(tables, voice=1, voice_p=1)


def test_beyond_a_thousand_vectors_only_what_surely_fits_counts() -> None:
    """Lanes of 6, 6, 5 and 5: 7 * 7 * 21 = 1029 vectors keep the 5 that the profile leaves.

    100 units would carry 100 of weight 1; the two lanes with the profile share 5.
    """
    policy = replace(POLICY, profiles={"p": ProfilePolicy(5)})
    for channel in (Channel.MESSAGING, Channel.SOCIAL, Channel.EMAIL, Channel.CASE):
        policy = with_channel(policy, channel, units=1.0, max_new_per_tick=6)
    contacts = [
        {"contact_id": "1", "channel": "messaging"},
        {"contact_id": "2", "channel": "social"},
        {"contact_id": "3", "channel": "email", "profiles": "p"},
        {"contact_id": "4", "channel": "case", "profiles": "p"},
    ]
    tables = Recount(tiny(agents=[{"agent_id": "a"}], contacts=contacts), policy)
    assert tables.room.vectors == (None,)
    assert tables.room.agent_cap.tolist() == [5]
    fewer = Recount(tiny(agents=[{"agent_id": "a"}], contacts=contacts[1:]), policy)
    assert fewer.room.agent_cap.tolist() == [11]  # 7 * 21 vectors: 6 and the 5 of the profile


def test_beyond_a_thousand_vectors_one_conversation_still_fits() -> None:
    """Ten at most in four lanes of 1 unit: C(14, 4) = 1001 vectors, and the case of 90 alone.

    Of the 10 units that are free for the others, a case of 90 would leave nobody any.
    """
    policy = with_channel(POLICY, Channel.CASE, units=90.0, extra_units=90.0)
    for channel in (Channel.MESSAGING, Channel.SOCIAL, Channel.EMAIL):
        policy = with_channel(policy, channel, units=1.0, max_new_per_tick=10)
    contacts = [
        {"contact_id": "1", "channel": "messaging"},
        {"contact_id": "2", "channel": "social"},
        {"contact_id": "3", "channel": "email"},
        {"contact_id": "4", "channel": "email", "profiles": "p"},
        {"contact_id": "5", "channel": "case"},
    ]
    agents = [{"agent_id": "a", "capacity_units": 10.0}]
    tables = Recount(tiny(agents=agents, contacts=contacts), policy)
    assert tables.room.vectors == (None,)
    assert tables.room.agent_cap.tolist() == [1]
