"""What every tick promises, judged from what it published and what was known before it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, permutations

from data_io.publish import Published
from models.plan import Plan
from models.policy import VoiceFollow
from models.tables import Channel
from tests.jobs.desk import LIVE, Desk, Item, names
from tests.jobs.offer_book import OfferBook
from tests.jobs.platform_rows import Agent, Contact, Row, Shown

ROUNDING = 1e-6


@dataclass(frozen=True)
class Told:
    """A tick and what it published; the plan says what was lost at the commit."""

    now: datetime
    published: Published
    plan: Plan


@dataclass(frozen=True)
class Given:
    """A conversation that an agent got in this tick."""

    agent: Agent
    lead: Contact
    members: tuple[Contact, ...]
    units: float
    profiles: frozenset[str]


def judge(desk: Desk, book: OfferBook, second: Shown, told: Told) -> None:
    """Raise AssertionError unless the tick kept every promise.

    `desk` is what the tick knew, `book` every offer and answer up to its second look, which saw
    `second`.
    """
    offered = [
        row
        for row in told.published.assignment.rows(named=True)
        if row["tick_at"] == told.now and row["event"] == "offered"
    ]
    check_nobody_is_forgotten(desk, second, offered, told)
    check_only_what_waits_is_offered(book, second, offered)
    for row in offered:
        book.begin(row)
    check_offers_and_answers(book, told)
    given = given_conversations(desk, offered)
    check_nobody_is_torn_apart(desk, given)
    for each in given:
        check_the_agent_can_take_it(desk, each)
    for agent in desk.shown.agents.values():
        check_limits(desk, agent, [each for each in given if each.agent is agent])
    for site, cap in desk.policy.site_caps.items():
        assert len(given) <= cap, f"site {site} got {len(given)}"
    check_age(desk, told)


def check_nobody_is_forgotten(desk: Desk, second: Shown, offered: list[Row], told: Told) -> None:
    """Who waits is offered, or left waiting with a reason, or was lost because something moved."""
    left = told.published.unassigned
    assert set(left["tick_at"]) <= {told.now}
    assert left["reason"].null_count() == 0
    planned = {row["contact_id"]: row for row in told.plan.assignments.rows(named=True)}
    landed = {row["contact_id"] for row in offered}
    places = Counter([*planned, *left["contact_id"]])
    assert places == Counter(desk.waiting.keys()), "who waits is not who was decided"
    lost = planned.keys() - landed
    assert landed <= planned.keys()
    moved = {contact for contact, row in planned.items() if has_moved(row, second)}
    for contact in lost:
        party = {other.contact_id for other in desk.party(desk.waiting[contact])}
        assert party & moved, f"{contact} was lost for nothing"
    assert not landed & moved, "what moved meanwhile was offered"


def has_moved(row: Row, second: Shown) -> bool:
    """Whether a planned row no longer matches the second look."""
    contact, agent = second.contacts.get(row["contact_id"]), second.agents.get(row["agent_id"])
    return (
        contact is None
        or agent is None
        or row["contact_id"] in second.held
        or (contact.version, agent.version) != (row["contact_version"], row["agent_version"])
    )


def check_only_what_waits_is_offered(book: OfferBook, second: Shown, offered: list[Row]) -> None:
    """No contact is offered in a version of which an offer stands, was accepted or is closed."""
    for row in offered:
        contact, version = row["contact_id"], row["contact_version"]
        assert contact not in second.held
        for life in book.lives.values():
            taken = life.contact_id == contact and life.version >= version
            assert not taken or life.state in {"declined", "expired", "rescinded"}, row


def check_offers_and_answers(book: OfferBook, told: Told) -> None:
    """Every event is one that the book has, at its instant; every answer counted once."""
    rows = told.published.assignment.select("contact_id", "tick_at", "event", "event_at").rows()
    assert sorted(rows) == book.told()
    results = told.published.response_result
    stored = sorted(results.select("response_id", "is_applied", "refusal").rows())
    expected = ((name, why is None, why) for name, why in book.results.items())
    assert stored == sorted(expected)


def given_conversations(desk: Desk, offered: list[Row]) -> list[Given]:
    """The conversations of the tick: one lead each, with the contacts of its part of the party."""
    given = []
    for row in (row for row in offered if row["is_lead"]):
        lead = desk.waiting[row["contact_id"]]
        with_agent = {other["contact_id"]: other for other in offered}
        core = desk.core(desk.party(lead))
        got = [
            contact
            for contact in (core if lead in core else [lead])
            if with_agent.get(contact.contact_id, {}).get("agent_id") == row["agent_id"]
        ]
        leads = [contact for contact in got if with_agent[contact.contact_id]["is_lead"]]
        if len(leads) == len(got):
            got = [lead]
        elif len(leads) > 1 and is_apart(desk, core, lead):
            got = [contact for contact in got if desk.are_alike(contact, lead)]
        elif len(leads) > 1:
            got = [one for one in got if (one.channel in LIVE) == (lead.channel in LIVE)]
        agent = desk.shown.agents[row["agent_id"]]
        given.append(Given(agent, lead, tuple(got), row["units"], names(row["profiles"])))
    assert sum(len(each.members) for each in given) == len(offered), "a contact without its lead"
    return given


def check_nobody_is_torn_apart(desk: Desk, given: list[Given]) -> None:
    """A party goes to one agent as a whole; calls part from the rest, and what nobody can serve
    together, or cannot be served now at all.
    """
    for each in given:
        core = desk.core(desk.party(each.lead))
        whole = {contact.contact_id for contact in core}
        live = {contact.contact_id for contact in core if contact.channel in LIVE}
        got = {contact.contact_id for contact in each.members}
        if whole.isdisjoint(got):
            assert len(got) == 1, f"{got} beside {whole}"
        elif got not in (whole, live, whole - live):
            assert is_apart(desk, core, each.lead), f"{got} of {whole}, which somebody takes"
            assert all(desk.are_alike(member, each.lead) for member in each.members), got
        holder = locked_to(desk, each)
        assert holder in {None, each.agent.agent_id}, f"{got} belong to {holder}"


def is_apart(desk: Desk, core: list[Contact], lead: Contact) -> bool:
    """Whether nobody could serve what belongs together, or what a call left of it."""
    rest = [contact for contact in core if contact.channel not in LIVE]
    return desk.has_nobody(core) or (lead in rest and desk.has_nobody(rest))


def locked_to(desk: Desk, given: Given) -> str | None:
    """Who must get what this party writes, because they have the rest of it."""
    if any(member.channel in LIVE for member in given.members):
        return None
    locks = [
        item
        for item in desk.held_of(desk.party(given.lead))
        if item.state in {"offered", "active"} and keeps(desk, item, given)
    ]
    locks.sort(key=lambda item: (item.channel in LIVE, item.started_at, item.agent_id))
    return locks[-1].agent_id if locks else None


def keeps(desk: Desk, item: Item, given: Given) -> bool:
    """Whether the holder of an item is there, or just left, and could serve the party."""
    is_live = item.channel in LIVE
    if is_live and desk.policy.voice_follow is VoiceFollow.KEEP_TEXT_OWNER:
        return False
    agent, members = desk.shown.agents[item.agent_id], list(given.members)
    since, released = agent.presence_since, desk.ago(desk.policy.lock_release_s)
    just_left = agent.presence == "away" and since is not None and since > released
    if not desk.on_shift(agent) or (agent.presence in {"away", "offline"} and not just_left):
        return False
    if num_declines(desk, members, agent) >= most_declines(desk, given):
        return False
    fits = desk.unfit_if_present(agent, members, given.lead) is None
    return is_live or (fits and not desk.is_starved(members))


def check_the_agent_can_take_it(desk: Desk, given: Given) -> None:
    """Present, on shift, responding, a member, able; and no decline keeps them apart."""
    members = list(given.members)
    assert given.agent.presence == "available", f"{given} goes to somebody who is not free"
    assert desk.unfit(given.agent, members, given.lead) is None, given
    channel = given.lead.channel
    lately = desk.ago(desk.policy.decline_pause_s)
    for life in desk.book.lives.values():
        cools = life.agent_id == given.agent.agent_id and life.channel == channel
        assert not (cools and life.state in {"declined", "expired"} and life.at > lately), given
    suitable = suitable_for(desk, given)
    most = {agent.agent_id: num_declines(desk, members, agent) for agent in suitable}
    limit = most_declines(desk, given)
    assert most[given.agent.agent_id] < limit, f"{given} is banned"
    since = desk.ago(desk.policy.decline_cooldown_s)

    def is_apart(agent: Agent) -> bool:
        recent = any(at > since for member in members for at in desk.declines(member, agent))
        return recent or most[agent.agent_id] >= limit

    assert not is_apart(given.agent) or all(map(is_apart, suitable)), f"{given} declined just now"
    for member in members:
        refusing = [agent for agent in desk.shown.agents.values() if desk.declines(member, agent)]
        assert len(refusing) < desk.policy.max_declining_agents, f"{given} is for people to decide"


def suitable_for(desk: Desk, given: Given) -> list[Agent]:
    """Agents who could serve the conversation were they free."""
    members, agents = list(given.members), desk.shown.agents.values()
    return [agent for agent in agents if desk.unfit(agent, members, given.lead) is None]


def most_declines(desk: Desk, given: Given) -> int:
    """With so many declines of one contact an agent is banned; twice as many where all are."""
    limit = desk.policy.max_declines
    suitable = suitable_for(desk, given)
    all_tired = all(num_declines(desk, list(given.members), a) >= limit for a in suitable)
    is_forgiven = not desk.rules(given.lead.channel).real_time and suitable and all_tired
    return limit * 2 if is_forgiven else limit


def num_declines(desk: Desk, members: list[Contact], agent: Agent) -> int:
    """How often the agent declined one of the contacts, the most of them."""
    return max(len(desk.declines(member, agent)) for member in members)


def check_limits(desk: Desk, agent: Agent, given: list[Given]) -> None:
    """Nothing that the tick gave is beyond what the agent may hold, by then-known load."""
    if not given:
        return
    items = [i for i in desk.items if i.agent_id == agent.agent_id]
    working = [item for item in items if not item.parked]
    for channel, group in groupby(sorted(given, key=_channel), key=_channel):
        rules, num = desk.rules(channel), len(list(group))
        held = sum(item.channel == channel for item in working)
        assert held + num <= agent.channels[channel], f"{agent.agent_id} has too many {channel}"
        assert num <= rules.max_new_per_tick, f"{agent.agent_id} got {num} {channel} at once"
        had = sum(
            (life.agent_id, life.channel) == (agent.agent_id, channel)
            and life.tick_at > desk.ago(3600)
            and life.state not in {"rescinded", "cancelled"}
            for life in desk.book.lives.values()
        )
        assert not rules.max_per_hour or had + num <= rules.max_per_hour, f"{had} + {num} an hour"
        taken = [i for i in items if Channel(channel) not in desk.rules(i.channel).yields_to]
        new = [
            each.units
            for each in given
            if _channel(each) == channel
            or Channel(channel) not in desk.rules(_channel(each)).yields_to
        ]
        room = agent.capacity_units + rules.extra_units - sum(item.units for item in taken)
        assert sum(new) <= max(room, 0) + ROUNDING, f"{agent.agent_id}: {new} in {room} units"
    for each in given:
        for item in working:
            blocked = desk.rules(item.channel).blocks
            assert not any(Channel(m.channel) in blocked for m in each.members), "interrupted"
            rings = item.state == "offered" and desk.rules(item.channel).real_time
            asks = any(desk.rules(member.channel).real_time for member in each.members)
            assert not (rings and asks), f"{agent.agent_id} would hear two things ring"
    for one, other in permutations(given, 2):
        assert Channel(_channel(other)) not in desk.rules(_channel(one)).blocks, "blocked"
    for profile, limit in desk.policy.profiles.items():
        new_places = sum(profile in each.profiles for each in given)
        places = desk.profile_use(agent, profile) + new_places
        assert not new_places or places <= limit.max_items, f"{profile}: {places}"
    for each in given:
        asked = frozenset().union(*(names(member.profiles) for member in each.members))
        assert each.profiles == asked


def check_age(desk: Desk, told: Told) -> None:
    """Whoever waits does so since they first asked: no offer moved their clock."""
    explained = told.published.explanation
    for contact_id, breach_at in explained.select("contact_id", "breach_at").rows():
        contact = desk.waiting[contact_id]
        core = desk.core(desk.party(contact))
        part = [other for other in core if (other.channel in LIVE) == (contact.channel in LIVE)]
        parts = (core, part, [contact]) if contact in core else ([contact],)
        assert breach_at in {desk.breach_at(members) for members in parts}, contact


def _channel(given: Given) -> str:
    return given.lead.channel
