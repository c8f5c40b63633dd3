"""What random days found, on a day of three contacts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.config import Config, PublishConfig, StoreConfig
from models.policy import Policy
from tests.jobs.platform_day import Moment, PlatformSource, Process, live_through
from tests.jobs.platform_model import Platform
from tests.jobs.platform_rows import Agent, Contact, Response


@dataclass
class Centre:
    """One agent, who serves chats of 33 units each."""

    platform: Platform
    process: Process

    def arrive(self, contact_id: str, customer_id: str) -> None:
        """A chat."""
        contacts, now = self.platform.truth.contacts, self.platform.now
        contacts[contact_id] = Contact(
            contact_id, f"t-{contact_id}", customer_id, "q0", "chat", now
        )

    def tick(self, gap_s: float) -> list[str]:
        """Who was offered, so many seconds after the last tick; the judge looks on."""
        live_through(Moment(gap_s, ()), self.process)
        return [r.contact_id for r in self.platform.rings if r.tick_at == self.platform.now]

    def answer(self, contact_id: str, answer: str) -> None:
        """An answer to the last offer of a contact."""
        ring = [ring for ring in self.platform.rings if ring.contact_id == contact_id][-1]
        name, at = f"{contact_id} {answer}", self.platform.now
        offer = (ring.contact_id, ring.tick_at, ring.agent_id)
        self.platform.drop.append(Response(name, *offer, answer, at))


@pytest.fixture
def centre(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Centre]:
    """The agent has the units that the test asks for."""
    platform = Platform([Agent("a0", {"chat": 9}, {}, ("q0",), request.param)])
    publish = PublishConfig(window_s=1e6, certificate=False)
    config = Config(store=StoreConfig(home=tmp_path), publish=publish)
    process = Process(config, PlatformSource(platform, Policy()), outlives=False)
    yield Centre(platform, process)
    process.store.close()


@pytest.mark.parametrize("centre", [100.0], indirect=True)
def test_an_accepted_chat_rings_no_more(centre: Centre) -> None:
    """A second chat waits while the first one rings, and comes when it was accepted."""
    centre.arrive("c1", "ann")
    assert centre.tick(1) == ["c1"]
    centre.arrive("c2", "bob")
    assert centre.tick(5) == []
    centre.answer("c1", "accepted")
    assert centre.tick(5) == ["c2"]


@pytest.mark.parametrize("centre", [100.0], indirect=True)
def test_an_accepted_chat_of_who_left_is_missed(centre: Centre) -> None:
    """Nobody rescinds what was accepted: it is to be requeued, once the agent is away 60 s."""
    centre.arrive("c1", "ann")
    centre.tick(1)
    centre.answer("c1", "accepted")
    agent = centre.platform.truth.agents["a0"]
    agent.presence, agent.presence_since, agent.version = "away", centre.platform.now, 2
    assert requeued(centre, 59) == []
    assert requeued(centre, 1) == ["c1"]


@pytest.mark.parametrize("centre", [45.0], indirect=True)
def test_context_without_its_lead_weighs_in_full(centre: Centre) -> None:
    """Two chats of one customer take 33 + 8.25 units. Left alone, the second takes 33 of 45."""
    centre.arrive("c1", "ann")
    centre.arrive("c2", "ann")
    assert sorted(centre.tick(1)) == ["c1", "c2"]
    centre.answer("c1", "declined")
    centre.answer("c2", "accepted")
    assert centre.tick(5) == []
    centre.arrive("c3", "bob")
    assert centre.tick(20) == []
    # 12 units are left; when the second chat is closed, all 45 are.
    centre.answer("c2", "completed")
    assert len(centre.tick(5)) == 1


def requeued(centre: Centre, gap_s: float) -> list[str]:
    """What the tick says should go back to its queue."""
    centre.tick(gap_s)
    requeue = centre.process.store.read_output(timedelta(days=1)).requeue
    tick_at: list[datetime] = requeue["tick_at"].to_list()
    assert set(tick_at) <= {centre.platform.now}
    return requeue["contact_id"].to_list()
