"""`explain CONTACT`: an answer for everybody, its terms, its offers, and where to ask on."""

import json
import shutil
from pathlib import Path

import pytest

from jobs.readers import TERMS
from models.gain import Term
from models.tables import EXPLANATION
from scenarios.generate import generate_batch
from tests.jobs.commands import NOW, call, call_json, exported, first_assigned


def test_explain_answers_for_every_contact(home: Path) -> None:
    """Assigned ones have terms that add up to the gain; all have a sentence."""
    batch = generate_batch(2, 60, 20, NOW)
    decisions = set()
    for contact_id in batch.contacts["contact_id"]:
        row = call_json("explain", contact_id, "--home", home)
        decisions.add(row["decision"])
        assert row["detail"].endswith(".")
        if row["decision"] == "assigned":
            assert sum(row[name] for name in TERMS) == pytest.approx(row["gain"], abs=1e-3)
            assert [one["event"] for one in row["offers"]] == ["offered"]
            assert row["offer"]["num_context"] >= 0
        else:
            assert (row["offer"], row["offers"]) == (None, [])
    assert {"assigned", "unassigned"} <= decisions


def test_the_terms_that_are_shown_are_those_of_the_gain() -> None:
    """All of them, in the order of the model, each a column that is explained."""
    assert list(TERMS) == [term.value for term in Term]
    assert set(TERMS) <= set(EXPLANATION.schema().names())


def test_explain_shows_terms_target_context_and_offers(home: Path) -> None:
    """Terms that count by name, what the agent sees of the customer, the event of the offer."""
    first = first_assigned(home)
    told, row = call("explain", first, "--home", home), call_json("explain", first, "--home", home)
    counts = {term for term in TERMS if abs(row[term]) >= 0.005}
    assert {term for term in TERMS if f"{term}: " in told} == counts
    assert "this customer before, will see" in told
    assert "Its offers" in told
    assert "offered" in told


def test_explain_leads_on_only_where_the_batch_is_there(home: Path) -> None:
    """Who waits is told how to ask on, if the archive has the batch of that very tick."""
    rows = exported(home, "unassigned")
    waits = next(row["contact_id"] for row in rows if row["decision"] == "unassigned")
    shown = call("explain", waits, "--home", home, "--archive", home / "kept")
    assert f"omniassign explain {waits} --why-nobody --archive {home / 'kept'}" in shown
    assert "--why-nobody" not in call("explain", waits, "--home", home)
    answer = call_json("explain", waits, "--why-nobody", "--archive", home / "kept")
    assert answer["contact_id"] == waits
    assert answer["as_decided"] is True


def test_explain_shows_what_became_of_earlier_offers(inbox: Path, tmp_path: Path) -> None:
    """Declined by the platform's answer: it waits again, and its offer is there with the end.

    What is dated before the offer, or comes when it stands no more, is recorded and refused.
    """
    shutil.copytree(inbox, tmp_path / "inbox")
    config = tmp_path / "omniassign.toml"
    config.write_text(
        f'[source]\nfolder = "{tmp_path}/inbox"\n[store]\nhome = "{tmp_path}/home"\n'
    )
    call("tick", "--config", config, "--at", "2026-11-03T14:00")
    first = call_json("export", "--config", config, "--out", tmp_path, "--format", "ndjson")
    assert first[str(tmp_path / "assignment.ndjson")] > 0
    offers = [
        json.loads(line) for line in (tmp_path / "assignment.ndjson").read_text().splitlines()
    ]
    offer = next(row for row in offers if row["channel"] == "chat")
    answer = {
        "response_id": "r1",
        "contact_id": offer["contact_id"],
        "tick_at": NOW.isoformat(),
        "agent_id": offer["agent_id"],
        "answer": "declined",
        "responded_at": "2026-11-03T14:00:03Z",
    }
    early = answer | {"response_id": "r0", "responded_at": "2026-11-03T13:00:00Z"}
    late = answer | {
        "response_id": "r2",
        "answer": "accepted",
        "responded_at": "2026-11-03T14:00:04Z",
    }
    (tmp_path / "inbox" / "responses").mkdir()
    (tmp_path / "inbox" / "responses" / "one.ndjson").write_text(
        "".join(json.dumps(row) + "\n" for row in (early, answer, late))
    )
    call("tick", "--config", config, "--at", "2026-11-03T14:00:05")
    row = call_json("explain", offer["contact_id"], "--config", config)
    assert [one["event"] for one in row["offers"]][:2] == ["offered", "declined"]
    assert "declined" in call("explain", offer["contact_id"], "--config", config)
    status = call_json("status", "--config", config)
    assert status["refused"] == [
        {"refusal": "before_offer", "num": 1},
        {"refusal": "offer_declined", "num": 1},
    ]


def test_explain_finds_a_contact_in_quarantine(home: Path) -> None:
    """Its rule is the answer."""
    assert "breaks channel_known" in call("explain", "bad", "--home", home)
