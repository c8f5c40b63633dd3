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
        ("[solver]\ndeadline_s = 'soon'", "solver.deadline_s is 'soon'; expected float"),
        ("[solver]\ndeadline_s = 0", "[solver] solve options: deadline_s is 0"),
        ("[publish]\nkeep = true", "publish.keep is True; expected int"),
        ("[publish]\nkeep = 1", "keep at least 2"),
        ("[policy.channels.chat]\nblocks = ['fax']", "unknown key 'fax'"),
        ("[policy.channels.chat]\nunits = -1", "units is -1"),
        ("[policy.site_caps]\nmanila = 1.5", "policy.site_caps.manila is 1.5; expected int"),
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
