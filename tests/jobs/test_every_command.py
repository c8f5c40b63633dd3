"""What holds for every command: programs can read its answer, and people its settings."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

import omniassign
from jobs.config import Config, parse_settings, read_config, ready_made
from models.policy import Policy
from tests.jobs.commands import call, call_json


def _commands(group: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], list[str]]:  # noqa: ANN401
    """Options of every command, by its words."""
    if not hasattr(group, "commands"):
        return {path: [option for parameter in group.params for option in parameter.opts]}
    found: dict[tuple[str, ...], list[str]] = {}
    for name, command in group.commands.items():
        found |= _commands(command, (*path, name))
    return found


COMMANDS = _commands(typer.main.get_command(omniassign.app))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_answers_to_programs(words: tuple[str, ...]) -> None:
    """With --json, as the README says."""
    assert "--json" in COMMANDS[words]


def test_there_are_as_many_commands_as_the_help_lists() -> None:
    """So that the law above is about all of them."""
    assert {words[0] for words in COMMANDS} == {
        *("tick", "run", "status", "explain", "config", "check", "validate", "export", "replay"),
        *("import", "policy", "demo", "relive", "study", "plan", "price", "prices"),
    }
    assert len(COMMANDS) == 24


def test_settings_as_json_are_settings(tmp_path: Path) -> None:
    """What `config --json` prints, a job can be started with."""
    file = tmp_path / "some.toml"
    file.write_text("[policy]\nstick_worth = 2\n[policy.channels.chat]\nblocks = ['voice']\n")
    again = parse_settings(call_json("config", "--config", file))
    assert again == read_config(file) != Config()


def test_settings_for_people_have_one_line_each_with_its_range(tmp_path: Path) -> None:
    """Keys as in the file, values as in the file, and what is allowed."""
    file = tmp_path / "some.toml"
    file.write_text("[policy]\nstick_worth = 2\npriority_worth = [3, 1]\n")
    lines = call("config", "--config", file).splitlines()
    assert "policy.stick_worth = 2.0  # 0 to 1,000,000 money" in lines
    assert "policy.priority_worth = [3.0, 1.0]  # 0 to 1,000,000 money" in lines
    assert 'policy.channels.chat.blocks = ["voice", "video", "callback"]' in lines
    assert "policy.channels.chat.max_wait_s = 1200.0  # 0 to 31,536,000 s (1 year)" in lines
    assert "policy.breach_penalties.gold = 8.0  # 0 to 1,000,000 money" in lines
    assert "source.folder = none" in lines
    assert 'store.home = "var"' in lines


@pytest.mark.parametrize("name", ready_made())
def test_a_ready_made_policy_as_json_has_all_its_numbers(name: str) -> None:
    """Also those that its file leaves alone."""
    shown = call_json("policy", "show", name)
    assert (
        parse_settings({"policy": shown}).policy
        == parse_settings({"policy": {"base": name}}).policy
    )
    assert set(shown) == set(json.loads(Config(policy=Policy()).to_json())["policy"])
