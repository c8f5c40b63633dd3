"""One TOML to typed settings: what is refused, and with which words."""

import json
from pathlib import Path

import pytest

from jobs.config import Config, ConfigError, parse_settings, read_config
from models.tables import Channel, Tier


def test_an_empty_file_gives_every_default(tmp_path: Path) -> None:
    """Every key has a default."""
    file = tmp_path / "empty.toml"
    file.write_text("")
    assert read_config(file) == Config()


def test_a_value_changes_only_its_own_key(tmp_path: Path) -> None:
    """Channels and tiers that are not named keep their defaults, and so do their other keys."""
    file = tmp_path / "some.toml"
    file.write_text(
        """
        [store]
        home = "elsewhere"
        [solver]
        deadline_s = 1
        [policy]
        stick_worth = 2
        [policy.channels.chat]
        units = 34
        blocks = ["voice"]
        [policy.breach_penalties]
        gold = 12
        [policy.site_caps]
        manila = 3
        """
    )
    config = read_config(file)
    standard = Config().policy
    assert config.store.database == Path("elsewhere/omniassign.duckdb")
    assert config.solver.deadline_s == 1.0
    assert config.policy.stick_worth == 2.0
    assert config.policy.channels[Channel.CHAT].units == 34.0
    assert config.policy.channels[Channel.CHAT].blocks == (Channel.VOICE,)
    chat = standard.channels[Channel.CHAT]
    assert config.policy.channels[Channel.CHAT].mean_handle_s == chat.mean_handle_s
    assert config.policy.channels[Channel.VOICE] == standard.channels[Channel.VOICE]
    assert config.policy.breach_penalties[Tier.GOLD] == 12.0
    assert config.policy.breach_penalties[Tier.SILVER] == standard.breach_penalties[Tier.SILVER]
    assert config.policy.site_caps == {"manila": 3}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[stroe]", "unknown key 'stroe'; did you mean 'store'?"),
        ("[policy]\nstick_wurth = 1", "unknown key 'stick_wurth' in [policy]; did you mean"),
        ("[policy.channels.vioce]\nunits = 1", "did you mean 'voice'?"),
        ("[policy.channels.chat]\nunit = 1", "did you mean 'units'?"),
        ("[policy.breach_penalties]\ngolden = 1", "did you mean 'gold'?"),
        ("[solver]\nqzx = 1", "expected one of"),
        ("[solver]\ndeadline_s = 'soon'", "solver.deadline_s is 'soon'; expected a number"),
        ("[solver]\ndeadline_s = 0", "[solver] solve options: deadline_s is 0"),
        ("[publish]\nkeep = true", "publish.keep is True; expected a whole number"),
        ("[publish]\nkeep = 1", "keep at least 2"),
        (
            "[policy.channels.chat]\nblocks = ['fax']",
            "policy.channels.chat.blocks has the value 'fax'; expected one of ['callback', 'case'",
        ),
        (
            "[policy.channels.chat]\nblocks = ['vioce']",
            "policy.channels.chat.blocks has the value 'vioce'; did you mean 'voice'?",
        ),
        (
            "[policy]\nvoice_follow = 'keep_text_owners'",
            "policy.voice_follow has the value 'keep_text_owners'; did you mean 'keep_text_owner'",
        ),
        ("[policy]\nvoice_follow = ['x']", "policy.voice_follow has the value ['x']; expected"),
        ("[policy]\nbase = 'zendeck'", "policy.base has the value 'zendeck'; did you mean 'zend"),
        ("[policy]\nbase = 7", "policy.base has the value 7; expected one of ['dynamics', "),
        (
            "[policy]\nmax_wait_s = 300",
            "unknown key 'max_wait_s' in [policy]; it belongs in [policy.channels.CHANNEL], such"
            " as [policy.channels.voice]",
        ),
        (
            "[policy.channels.chat]\nstick_worth = 2",
            "unknown key 'stick_worth' in [policy.channels.chat]; it belongs in [policy]",
        ),
        ("stick_worth = 2", "unknown key 'stick_worth'; it belongs in [policy]"),
        ("[policy.voice]\nunits = 1", "unknown key 'voice' in [policy]; it belongs in [policy.ch"),
        ("[policy]\ndeadline_s = 2", "it belongs in [solver]"),
        ("[policy]\nmax_items = 2", "it belongs in [policy.profiles.PROFILE]"),
        ("[policy]\nworth = 2", "it belongs in [[policy.boosts]]"),
        (
            "[policy.channels.chat]\nmax_wait_s = 72000000",
            "[policy.channels.chat] max_wait_s is 72,000,000; expected a number from 0 to"
            " 31,536,000 s (1 year); durations are in seconds: correct it",
        ),
        ("[policy.profiles.high]\nmax_items = -1", "[policy.profiles.high] max_items is -1; exp"),
        ("[[policy.boosts]]\nworth = 1e7", "[policy.boosts] worth is 10,000,000; expected"),
        ("[policy.channels.chat]\nunits = -1", "[policy.channels.chat] units is -1; expected"),
        (
            "[policy.site_caps]\nmanila = 1.5",
            "policy.site_caps.manila is 1.5; expected a whole number",
        ),
        ("store = 3", "[store] is 3; expected a section"),
        ("[store", "not TOML"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    """The message names the file, the key, what was expected, and the nearest name."""
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refusal:
        read_config(file)
    assert str(file) in str(refusal.value)
    assert said in str(refusal.value)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    """As editors of Windows write it; text that is no UTF-8 is refused in plain words."""
    file = tmp_path / "marked.toml"
    file.write_bytes(b"\xef\xbb\xbf[policy]\r\nstick_worth = 2\r\n")
    assert read_config(file).policy.stick_worth == 2.0
    file.write_bytes("[policy]".encode("utf-16"))
    with pytest.raises(ConfigError, match="not UTF-8 text; expected it; save the file as UTF-8"):
        read_config(file)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """Defaults stand in for no file, never for a file that is not there."""
    with pytest.raises(ConfigError, match="not found"):
        read_config(tmp_path / "none.toml")


def test_settings_survive_their_json() -> None:
    """What an archive writes, a replay reads."""

    config = Config()
    again = parse_settings(json.loads(config.to_json()))
    assert again.policy.digest() == config.policy.digest()
    assert again == config
