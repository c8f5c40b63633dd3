"""Two policies by turns: blocks, coins, settings, and the tick that says which one decided."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.config import ConfigError, parse_settings, read_config
from jobs.switchback import Arm, Switchback, arm_at
from models.policy import Policy

START = datetime(2026, 11, 2, tzinfo=UTC)
BLOCK = timedelta(minutes=30)


def arms(switchback: Switchback, num_blocks: int) -> list[Arm]:
    """Whose turn it is in the middle of each block from the start of a day on."""
    return [switchback.arm_at(START + BLOCK * n + BLOCK / 2) for n in range(num_blocks)]


def test_each_pair_of_blocks_has_both_policies() -> None:
    """Of 48 half hours each policy has 24, one in every hour."""
    turns = arms(Switchback(), 48)
    pairs = [set(turns[n : n + 2]) for n in range(0, 48, 2)]
    assert pairs == [{Arm.A, Arm.B}] * 24


def test_a_coin_says_who_is_first() -> None:
    """Over 200 pairs both begin often; another seed has other coins, the same seed the same."""
    first = arms(Switchback(), 400)[::2]
    assert 70 < first.count(Arm.A) < 130  # 100 expected, standard deviation 7
    assert arms(Switchback(), 400) == arms(Switchback(), 400)
    assert arms(Switchback(), 400) != arms(Switchback(seed=1), 400)


def test_a_turn_lasts_a_block() -> None:
    """It changes at the full half hour only, to the microsecond."""
    turns = Switchback()
    begin = turns.arm_at(START)
    assert turns.arm_at(START + BLOCK - timedelta(microseconds=1)) is begin
    assert turns.arm_at(START + BLOCK) is not begin


def test_without_the_section_there_is_one_policy() -> None:
    """No arm, and the settings stay as they are."""
    settings = parse_settings({"policy": {"stick_worth": 2.0}})
    assert settings.switchback is None
    assert settings.at(START) is settings
    assert arm_at(None, START) is None


def test_the_other_policy_says_only_what_differs() -> None:
    """What [switchback.policy] leaves out is that of [policy]; the tick is that of the job."""
    settings = parse_settings(
        {
            "policy": {"stick_worth": 2.0, "owner_worth": 5.0, "tick_s": 3.0},
            "switchback": {"policy": {"stick_worth": 9.0, "tick_s": 7.0}},
        }
    )
    assert settings.switchback is not None
    by_arm = {
        settings.switchback.arm_at(START + BLOCK * n): settings.at(START + BLOCK * n).policy
        for n in range(2)
    }
    told = {arm: (p.stick_worth, p.owner_worth, p.tick_s) for arm, p in by_arm.items()}
    assert told == {Arm.A: (2.0, 5.0, 3.0), Arm.B: (9.0, 5.0, 3.0)}


def test_the_other_policy_may_be_a_ready_made_one() -> None:
    """With a base of its own it owes nothing to [policy]."""
    settings = parse_settings(
        {"policy": {"stick_worth": 2.0}, "switchback": {"policy": {"base": "zendesk"}}}
    )
    zendesk = parse_settings({"policy": {"base": "zendesk"}}).policy
    assert settings.switchback == Switchback(policy=zendesk)
    assert zendesk != Policy()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[switchback]\nblock_s = 0.0", "block_s is 0.0; expected at least 1"),
        ("[switchback]\nblocks = 3", "unknown key 'blocks' in [switchback]"),
        ("[switchback.policy]\nstick_worht = 3.0", "did you mean 'stick_worth'?"),
        ("block_s = 60.0", "it belongs in [switchback]"),
    ],
)
def test_slips_of_the_pen_are_refused(tmp_path: Path, text: str, says: str) -> None:
    """The message says what to write instead."""
    file = tmp_path / "omniassign.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_config(file)
    assert says in str(error.value)
