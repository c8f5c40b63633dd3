"""docs/routing.md and docs/policies.md are true: their code runs, and prints what they show."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

import omniassign
from jobs import show
from jobs.archive import archive_batch
from jobs.config import Config, parse_settings, ready_made, refuse_contradictions
from jobs.switchback import Arm
from models.channel_policy import ChannelPolicy
from models.plan import Reason
from models.policy import Boost, Policy, ProfilePolicy, VoiceFollow
from models.price_policy import PricePolicy
from models.tables import (
    INPUT_TABLES,
    OUTPUT_TABLES,
    Channel,
    Importance,
    LoadState,
    OverflowWhen,
    Presence,
    Tier,
)
from solver.assign import assign
from tests.models.tiny import NOW, Row, ago, ahead, serves, tiny

DOCS = Path(__file__).parent.parent / "docs"
ROUTING = (DOCS / "routing.md").read_text(encoding="utf-8")
POLICIES = (DOCS / "policies.md").read_text(encoding="utf-8")
Shown = list[tuple[str, str | None]]


def shown(text: str, language: str) -> Shown:
    """Blocks in a language, each with the text block that follows it, if one does."""
    blocks = rf"```{language}\n(.*?)```\n(?:\n```text\n(.*?)```\n)?"
    return [(code, result or None) for code, result in re.findall(blocks, text, re.DOTALL)]


def test_the_examples_of_routing_print_what_the_page_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One block after the other in one session, as a reader would; the audit is in them."""
    blocks = shown(ROUTING, "python")
    names: dict[str, object] = {}
    assert len(blocks) >= 10
    assert [bool(result) for _, result in blocks] == [False] + [True] * (len(blocks) - 1)
    for code, result in blocks:
        exec(compile(code, "docs/routing.md", "exec"), names)
        assert capsys.readouterr().out == (result or "")


def test_routing_explains_every_reason_in_the_order_of_the_tests() -> None:
    """The table is the enumeration."""
    rows = re.findall(r"^\| `(\w+)` \|", ROUTING, re.MULTILINE)
    reasons = [reason.value for reason in Reason]
    assert [row for row in rows if row in reasons] == reasons


@pytest.mark.parametrize("text", [ROUTING, POLICIES], ids=["routing", "policies"])
def test_every_name_on_the_pages_exists(text: str) -> None:
    """Columns, tables, numbers, reasons, ready-made policies, and choices."""
    kinds = (Policy, ChannelPolicy, Boost, ProfilePolicy, PricePolicy)
    choices = (
        Channel,
        Tier,
        Importance,
        OverflowWhen,
        LoadState,
        Presence,
        Reason,
        VoiceFollow,
        Arm,
    )
    known = {item.name for kind in kinds for item in fields(kind)} | set(ready_made())
    known |= {str(choice.value) for kind in choices for choice in kind} | {
        "default",
        "run",
        "tick",
    }
    for table in (*INPUT_TABLES, *OUTPUT_TABLES):
        known |= {table.name, *(column.name for column in table.columns)}
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    named = set(re.findall(r"`([a-z_]+)`", prose))
    assert len(named) > 30
    assert named <= known
    for file in re.findall(r"`(\w+\.md)`", prose):
        assert (DOCS / file).exists()


def test_the_files_of_policies_are_read() -> None:
    """Every one; the first, which shows every section, could run, and each value arrives."""
    settings = [parse_settings(tomllib.loads(code)) for code, _ in shown(POLICIES, "toml")]
    whole = settings[0].policy
    refuse_contradictions(whole)
    assert (whole.max_declines, whole.strict_classes, whole.owner_worth) == (2, 1, 100.0)
    assert whole.boosts == (Boost(queue_id="complaints", tier=Tier.GOLD, worth=50.0, age_s=600.0),)
    assert whole.profiles["trainee"].max_items == 3
    assert (whole.breach_penalties[Tier.GOLD], whole.site_caps) == (20.0, {"manila": 40})
    assert whole.channels[Channel.CHAT].units == 50.0
    assert whole.channels[Channel.EMAIL].attention == 0.05
    assert whole.prices.abandonment_ceiling == 0.04
    assert whole.prices.abandonment_ceilings == {"complaints": 0.02}


def test_the_commands_of_policies_print_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder with the page's files and an archive of two ticks, 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(show.console, "width", 80)
    for code, _ in shown(POLICIES, "toml"):
        if code.startswith("# "):
            (tmp_path / code.split()[1]).write_text(code, encoding="utf-8")
    keep_a_morning(tmp_path / "var" / "archive")
    commands = shown(POLICIES, "sh")
    assert len(commands) == 3
    for command, result in commands:
        done = CliRunner().invoke(omniassign.app, command.split()[1:])
        assert done.exit_code == ("wrong.toml" in command), done.output
        assert "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n" == result


def keep_a_morning(archive: Path) -> None:
    """Archive two ticks under the defaults: ana and ben, three mails and a chat."""
    known: Row = {"last_agent_id": "ben", "last_agent_at": ago(3600)}
    chat: Row = {"contact_id": "chat-7", "channel": "chat", "customer_id": "kim"}
    mails: list[Row] = [
        {"contact_id": "mail-1", "customer_id": "rita", "value": 900.0} | known,
        {"contact_id": "mail-2", "customer_id": "sam", "value": 900.0},
        {"contact_id": "mail-3", "customer_id": "tom", "value": 100.0},
    ]
    levels = [("ana", 9), ("ben", 6)]
    for now, contacts in ((NOW, mails), (ahead(5), [chat | known, *mails[2:]])):
        batch = tiny(
            now,
            agents=[{"agent_id": a, "capacity_units": 60.0} for a, _ in levels],
            agent_channels=[row for a, _ in levels for row in serves(a, email=2, chat=1)],
            agent_skills=[
                {"agent_id": a, "skill": "tax", "proficiency": level} for a, level in levels
            ],
            contacts=contacts,
            contact_skills=[
                {"contact_id": row["contact_id"], "skill": "tax", "min_proficiency": 3}
                for row in contacts
            ],
        )
        config = Config()
        plan = assign(batch, config.policy, config.solver)
        archive_batch(archive / f"{now:%Y%m%dT%H%M%S%f}", batch, config, plan, None)
