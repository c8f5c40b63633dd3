"""`omniassign policy`: ready-made ones, what is wrong with one, and what a change would do."""

import json
import os
import re
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

import omniassign
from jobs import show
from jobs.archive import archive_batch
from jobs.config import READY_MADE, Config, read_config
from jobs.errors import EXPECTED
from jobs.rehearsal import find_batches, rehearse
from models.batch import Batch
from models.policy import Policy
from models.solution import SolveOptions
from models.tables import INPUT_TABLES
from scenarios.generate import generate_batch
from solver.assign import assign
from solver.solve import solve
from tests.models.tiny import NOW, ago, serves, tiny

START = datetime(2026, 11, 3, 14, tzinfo=UTC)
NAMES = [
    "dynamics",
    "freshdesk",
    "genesys",
    "gladly",
    "hiver_round_robin",
    "hiver_rules",
    "salesforce",
    "zendesk",
]


def call(*words: object, code: int = 0) -> str:
    """Standard output of a policy command that ends with `code`, blanks and lines joined."""
    done = CliRunner().invoke(omniassign.app, ["policy", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return " ".join(done.stdout.split())


def call_json(*words: object, code: int = 0) -> Any:  # noqa: ANN401
    """What a policy command answers to programs."""
    return json.loads(call(*words, "--json", code=code))


def refused(*words: object) -> str:
    """The one line with which a command fails."""
    done = CliRunner().invoke(omniassign.app, ["policy", *map(str, words)])
    assert isinstance(done.exception, EXPECTED)
    message = str(done.exception)
    assert "\n" not in message
    return message


def keep(folder: Path, batch: Batch, policy: Policy | None = None, name: str = "") -> Path:
    """Decide a batch and archive it as a job does; the archive."""
    config = Config(policy=policy or Policy())
    plan = assign(batch, config.policy, config.solver)
    default = f"{batch.now:%Y%m%dT%H%M%S%f}-{plan.digest()[:8]}"
    archive_batch(folder / (name or default), batch, config, plan, None)
    return folder


def toml(folder: Path, text: str, name: str = "new.toml") -> Path:
    """A settings file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file lies in the folder that commands run in."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three generated batches, five seconds apart, each of other contacts."""
    folder = tmp_path_factory.mktemp("kept")
    for seed in range(3):
        keep(folder, generate_batch(seed, 60, 20, START + timedelta(seconds=5 * seed)))
    return folder


# list and show


def test_the_list_has_every_ready_made_policy_with_its_first_line() -> None:
    """In both forms."""
    rows = call_json("list")
    assert [row["name"] for row in rows] == NAMES
    assert rows[-1]["is"].startswith("Zendesk omnichannel routing")
    assert not any(row["is"].startswith("#") for row in rows)
    assert set(NAMES) <= set(call("list").split())


def test_show_prints_the_file_with_its_comments() -> None:
    """To the last byte, so that it can be written to a file."""
    done = CliRunner().invoke(omniassign.app, ["policy", "show", "gladly"])
    assert done.stdout == (READY_MADE / "gladly.toml").read_text(encoding="utf-8")


def test_what_show_prints_is_a_settings_file(tmp_path: Path) -> None:
    """And it is the same policy as naming it in `base`."""
    done = CliRunner().invoke(omniassign.app, ["policy", "show", "genesys"])
    copied = read_config(toml(tmp_path, done.stdout)).policy
    based = read_config(toml(tmp_path, '[policy]\nbase = "genesys"\n', "base.toml")).policy
    assert copied == based != Policy()


def test_show_of_an_unknown_name_lists_the_known() -> None:
    """One line."""
    assert refused("show", "zendeck") == (
        f"policy: no ready-made 'zendeck'; expected one of {', '.join(NAMES)}"
    )


# check


def test_a_good_file_has_nothing_to_report(tmp_path: Path) -> None:
    """Exit code 0."""
    path = toml(tmp_path, "[policy]\nstick_worth = 2.0\n")
    assert call_json("check", path) == {"errors": 0, "findings": [], "rejected_rows": 0}
    assert call("check", path) == "Nothing contradicts itself, and nobody is left to starve."
    assert call_json("check")["errors"] == 0


def test_an_omniassign_toml_in_the_folder_is_checked_by_default(tmp_path: Path) -> None:
    """As the other commands read it."""
    toml(tmp_path, "[policy]\np_floor = 0.99\n", "omniassign.toml")
    assert call_json("check", code=1)["errors"] == 2


def test_a_bad_file_is_read_all_the_same_and_everything_is_listed(tmp_path: Path) -> None:
    """Two errors and a warning; exit code 1, also for programs."""
    text = """
        [policy]
        priority_worth = [1.0, 2.0]
        max_declines = 0
        [policy.channels.voice]
        relax_after_s = 5
    """
    path = toml(tmp_path, text)
    found = call_json("check", path, code=1)
    assert found["errors"] == 2
    assert [(one["severity"], one["rule"], one["where"]) for one in found["findings"]] == [
        ("error", "relaxes_too_soon", "channels.voice.relax_after_s"),
        ("error", "classes_out_of_order", "priority_worth[0]"),
        ("warning", "first_decline_bans", "max_declines"),
    ]
    assert "channels.voice.relax_after_s" in call("check", path, code=1).replace(" │ ", "")


def test_warnings_alone_are_no_failure() -> None:
    """A ready-made policy can be checked by name."""
    found = call_json("check", "zendesk")
    assert [one["rule"] for one in found["findings"]] == ["horizon_below_tick"]


def wanting_batch() -> Batch:
    """One mail asks for a skill that nobody has."""
    return tiny(
        agents=[{"agent_id": "a1"}],
        contacts=[{"contact_id": "m1"}],
        contact_skills=[{"contact_id": "m1", "skill": "tax", "min_proficiency": 5}],
    )


def test_a_policy_is_checked_against_an_archived_batch(tmp_path: Path) -> None:
    """Nobody has the skill."""
    folder = keep(tmp_path, wanting_batch(), name="one") / "one"
    found = call_json("check", "default", "--on", folder, code=1)
    assert [one["rule"] for one in found["findings"]] == ["nobody_has_the_skills"]


def test_a_policy_is_checked_against_a_folder_of_input_tables(tmp_path: Path) -> None:
    """The same centre as files of the platform; a bad row is left out and counted."""
    batch, folder = wanting_batch(), tmp_path / "inbox"
    folder.mkdir()
    for table in INPUT_TABLES:
        frame: pl.DataFrame = getattr(batch, table.name)
        if table.name == "contacts":
            bad = frame.with_columns(contact_id=pl.lit("bad"), channel=pl.lit("fax"))
            frame = pl.concat([frame, bad])
        frame.write_parquet(folder / f"{table.name}.parquet")
    words = ("check", "default", "--on", folder, "--at", NOW.isoformat())
    found = call_json(*words, code=1)
    assert [one["rule"] for one in found["findings"]] == ["nobody_has_the_skills"]
    assert found["rejected_rows"] == 1
    assert call(*words, code=1).startswith("1 rows broke their contract and were left out")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[policy\n", "not TOML"),
        ("[policy]\nstick_wort = 1\n", "did you mean 'stick_worth'?"),
        ('[policy]\nbase = "zendeck"\n', "did you mean 'zendesk'?"),
        ("[policy]\nstick_worth = -1\n", "stick_worth is -1; expected a number from 0"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    """Broken TOML, an unknown key, an unknown base, a value out of range."""
    message = refused("check", toml(tmp_path, text))
    assert "new.toml: " in message
    assert expected in message


def test_a_missing_file_and_a_folder_that_is_no_centre_are_one_line(tmp_path: Path) -> None:
    """Each says what was expected."""
    assert refused("check", tmp_path / "no.toml").endswith("not found; expected a TOML file")
    assert refused("check", "zendeck").startswith(
        "policy: 'zendeck' is no TOML file, expected one"
    )
    assert "expected" in refused("check", "default", "--on", tmp_path / "nothing")


# diff


def rivals() -> Batch:
    """One slot, and the policy decides who has it: old by age, rich by money."""
    return tiny(
        agents=[{"agent_id": "a1"}],
        agent_channels=serves("a1", email=1),
        contacts=[
            {"contact_id": "old", "entered_at": ago(7200), "value": 0.0},
            {"contact_id": "rich", "value": 5000.0},
            {"contact_id": "poor", "value": 100.0},
        ],
    )


def test_the_moves_are_those_whose_agent_differs(archive: Path) -> None:
    """Counted again from the two plans of every batch."""
    found = call_json("diff", "default", "zendesk", "--on", archive)
    assert len(found["ticks"]) == 3
    num_moved = 0
    for tick, seed in zip(found["ticks"], range(3), strict=True):
        batch = generate_batch(seed, 60, 20, START + timedelta(seconds=5 * seed))
        plans = [
            assign(batch, policy, SolveOptions())
            for policy in (Policy(), read_config(READY_MADE / "zendesk.toml").policy)
        ]
        old, new = (dict(_agents(plan)) for plan in plans)
        expected = {
            contact: (old.get(contact), new.get(contact))
            for contact in batch.contacts["contact_id"]
            if old.get(contact) != new.get(contact)
        }
        moves = {m["contact_id"]: (m["old_agent_id"], m["new_agent_id"]) for m in tick["moves"]}
        assert moves == expected
        num_moved += len(expected)
    assert found["total"]["num_moved"] == num_moved > 0


def _agents(plan: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    held = plan.unassigned.filter(pl.col("reason") == "held_for")
    rows = pl.concat([f.select("contact_id", "agent_id") for f in (plan.assignments, held)])
    agents: list[tuple[str, str]] = rows.rows()
    return agents


@pytest.mark.parametrize(("old", "new"), [("default", "genesys"), ("dynamics", "default")])
def test_the_worth_of_the_moves_adds_up(archive: Path, old: str, new: str) -> None:
    """To the difference of the plans' gains, load costs aside, by either policy's numbers."""
    for tick in call_json("diff", old, new, "--on", archive)["ticks"]:
        for judge in ("old", "new"):
            gain, load = (
                tick[f"new_plan_by_{judge}_{what}"] - tick[f"old_plan_by_{judge}_{what}"]
                for what in ("gain", "load_cost")
            )
            worth = sum(move[f"worth_by_{judge}"] or 0.0 for move in tick["moves"])
            assert worth == pytest.approx(gain + load, abs=1e-6)
            assert any(move[f"worth_by_{judge}"] for move in tick["moves"])


def test_each_policy_likes_its_own_plan_best(archive: Path, tmp_path: Path) -> None:
    """All plans are optimal, and limits are the same: the other plan is never worth more."""
    text = """
        [policy]
        benefit_share = 0.0
        default_priority = 1
        priority_worth = [20.0, 10.0]
        idle_worth = 30.0
        idle_full_s = 28800.0
        stick_worth = 0.0
    """
    new = toml(tmp_path, text)
    found = call_json("diff", "default", new, "--on", archive)
    assert found["total"]["num_moved"] > 0
    for tick in found["ticks"]:
        assert tick["is_proven"]
        for judge, other in (("old", "new"), ("new", "old")):
            own, others = f"{judge}_plan_by_{judge}", f"{other}_plan_by_{judge}"
            assert tick[f"{others}_gain"] <= tick[f"{own}_gain"] + 1e-9
            assert tick[f"{others}_num_overfull"] == tick[f"{own}_num_overfull"] == 0
            assert tick[f"{own}_num_barred"] == 0


def test_old_totals_are_those_of_the_archived_plans(archive: Path) -> None:
    """The batches were decided by the default policy."""
    gains = [
        assign(generate_batch(seed, 60, 20, START + timedelta(seconds=5 * seed)), *settings)
        for seed, settings in ((seed, (Policy(), SolveOptions())) for seed in range(3))
    ]
    found = call_json("diff", "default", "zendesk", "--on", archive)
    expected = sum(plan.gain_milli for plan in gains) / 1000
    assert found["total"]["old_plan_by_old_gain"] == pytest.approx(expected, abs=1e-6)


def test_the_same_policy_twice_moves_nobody(archive: Path, tmp_path: Path) -> None:
    """By name, and as a copy of its file."""
    copy = toml(tmp_path, (READY_MADE / "salesforce.toml").read_text(encoding="utf-8"))
    found = call_json("diff", "salesforce", copy, "--on", archive)
    assert found["settings"] == []
    assert all(tick["moves"] == [] for tick in found["ticks"])
    assert call("diff", "salesforce", copy, "--on", archive).endswith(
        "The two policies are the same."
        " Nobody would move: of 180 decisions in 3 batches none changes."
    )


def test_settings_that_differ_are_listed_with_both_values(tmp_path: Path) -> None:
    """Numbers, lists, boosts and profiles, and nothing else."""
    folder = keep(tmp_path / "kept", rivals())
    text = """
        [policy]
        stick_worth = 9
        priority_worth = [2.0, 1.5]
        [[policy.boosts]]
        tier = "gold"
        worth = 3.0
        [policy.profiles.high]
        max_items = 2
        [policy.channels.email]
        units = 25
        blocks = ["case"]
    """
    found = call_json("diff", "default", toml(tmp_path, text), "--on", folder)
    assert {row["key"]: (row["old"], row["new"]) for row in found["settings"]} == {
        "boosts": ("none", "-"),
        "boosts[0].age_s": ("-", "0"),
        "boosts[0].channel": ("-", "None"),
        "boosts[0].escalated": ("-", "False"),
        "boosts[0].queue_id": ("-", ""),
        "boosts[0].tier": ("-", "gold"),
        "boosts[0].worth": ("-", "3"),
        "channels.email.blocks": ("none", "case"),
        "channels.email.units": ("10", "25"),
        "priority_worth": ("none", "2, 1.5"),
        "profiles.high.max_items": ("-", "2"),
        "profiles.high.reset": ("-", "immediate"),
        "stick_worth": ("1.5", "9"),
    }


def test_what_a_manager_reads(tmp_path: Path) -> None:
    """Two mails change places; the verdict says what that is worth to both policies."""
    folder = keep(tmp_path / "kept", rivals())
    new = toml(tmp_path, "[policy]\nageing_per_s = 0.1\nmost_ageing = 1000.0\n")
    moves = call_json("diff", "default", new, "--on", folder)["ticks"][0]["moves"]
    assert [(m["contact_id"], m["old_agent_id"], m["new_agent_id"]) for m in moves] == [
        ("old", None, "a1"),
        ("rich", "a1", None),
    ]
    assert moves[0]["worth_by_new"] > -moves[1]["worth_by_new"] > 0
    assert moves[0]["worth_by_old"] < -moves[1]["worth_by_old"]
    assert moves[1]["why"].startswith("Waits")
    text = call("diff", "default", new, "--on", folder)
    assert (
        "2 of 3 decisions in 1 batch would change, for 2 contacts: 0 to another agent, 1 no longer"
        " waiting, 1 left waiting. By the new policy's numbers the change is worth"
    ) in text
    assert " less (" in text.split("By the old policy's numbers")[1]


def test_the_moves_of_most_money_come_first(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the numbers of either policy; those of one amount by contact. All are in the JSON."""
    ticks = call_json("diff", "default", "zendesk", "--on", archive)["ticks"]
    moves = [move for tick in ticks for move in tick["moves"]]

    def moved(move: Any) -> tuple[float, str]:  # noqa: ANN401
        amounts = (abs(move[f"worth_by_{judge}"] or 0.0) for judge in ("old", "new"))
        return -round(max(amounts), 2), move["contact_id"]

    expected = [move["contact_id"] for move in sorted(moves, key=moved)]
    monkeypatch.setattr(show.console, "width", 200)
    text = call("diff", "default", "zendesk", "--on", archive)
    shown = re.findall(r"│ (contact-\d+) │", text)
    assert len(expected) > 20 == len(shown)
    assert shown == expected[:20]
    assert "the 20 that move most money" in text


def test_a_place_that_the_new_policy_does_not_allow_is_named(tmp_path: Path) -> None:
    """A mail of 200 units fits nobody: it gains nothing and `units_full` says why."""
    agents = [{"agent_id": "a1", "capacity_units": 50.0}]
    folder = keep(tmp_path / "kept", tiny(agents=agents, contacts=[{"contact_id": "m1"}]))
    new = toml(tmp_path, "[policy.channels.email]\nunits = 60\n")
    found = call_json("diff", "default", new, "--on", folder)
    (move,) = found["ticks"][0]["moves"]
    assert (move["old_agent_id"], move["new_agent_id"]) == ("a1", None)
    assert (move["barred_by"], move["worth_by_new"]) == ("units_full", 0.0)
    assert found["total"]["old_plan_by_new_num_barred"] == 1
    assert "does not allow 1: units_full 1." in call("diff", "default", new, "--on", folder)


def test_a_plan_that_the_other_policy_could_not_have_is_flagged(tmp_path: Path) -> None:
    """By the old numbers three mails fit one agent, by the new numbers each of them alone."""
    agents = [{"agent_id": "a1", "capacity_units": 50.0}]
    contacts = [{"contact_id": f"m{n}"} for n in range(3)]
    folder = keep(tmp_path / "kept", tiny(agents=agents, contacts=contacts))
    new = toml(tmp_path, "[policy.channels.email]\nunits = 30\n")
    total = call_json("diff", "default", new, "--on", folder)["total"]
    assert (total["old_num_assigned"], total["new_num_assigned"]) == (3, 1)
    assert (total["old_plan_by_new_num_overfull"], total["new_plan_by_old_num_overfull"]) == (1, 0)
    assert "they look better than they can be" in call("diff", "default", new, "--on", folder)


def test_a_site_with_more_than_its_cap_is_flagged() -> None:
    """Two agents of one site got a mail each; the new policy allows the site one."""
    batch = tiny(
        agents=[{"agent_id": "a1"}, {"agent_id": "a2"}],
        agent_channels=[*serves("a1", email=1), *serves("a2", email=1)],
        contacts=[{"contact_id": "m1"}, {"contact_id": "m2"}],
    )
    capped = Policy(site_caps={"porto": 1})
    found = rehearse(batch, Policy(), capped, SolveOptions(), solve)
    assert found.by_new.num_overfull == (1, 0)
    assert found.num_assigned == (2, 1)


def test_a_contact_of_a_conversation_moves_with_its_lead() -> None:
    """Chat and mail of one customer: both move to a1, and the worth is the lead's alone."""
    batch = tiny(
        agents=[{"agent_id": "a1", "idle_since": ago(600)}, {"agent_id": "a2"}],
        contacts=[
            {"contact_id": "c1", "channel": "chat", "customer_id": "ann"}
            | {"last_agent_id": "a2", "last_agent_at": ago(60)},
            {"contact_id": "m1", "channel": "email", "customer_id": "ann"},
        ],
    )
    idle_first = Policy(idle_worth=9.0, stick_worth=0.0)
    moves = rehearse(batch, Policy(), idle_first, SolveOptions(), solve).moves
    assert moves.select("contact_id", "old_agent_id", "new_agent_id").rows() == [
        ("c1", "a2", "a1"),
        ("m1", "a2", "a1"),
    ]
    # a1 has been idle for all of idle_full_s, a2 not at all.
    assert moves["worth_by_new"].to_list() == [9.0, None]


def test_one_batch_can_be_named_itself(archive: Path) -> None:
    """Its own moves only."""
    first = find_batches(archive)[0]
    found = call_json("diff", "default", "zendesk", "--on", first)
    assert [tick["tick_at"] for tick in found["ticks"]] == [START.isoformat()]
    whole = call_json("diff", "default", "zendesk", "--on", archive)
    assert whole["ticks"][0] == found["ticks"][0]
    assert Counter(type(tick["moves"]) for tick in whole["ticks"]) == {list: 3}


def test_batches_come_oldest_first_once_per_instant(archive: Path, tmp_path: Path) -> None:
    """A second plan for an instant replaces the first; what a killed writer left is skipped."""
    folder = tmp_path / "kept"
    shutil.copytree(archive, folder)
    first = find_batches(folder)[0]
    again = folder / f"{first.name.split('-')[0]}-00000000"
    shutil.copytree(first, again)
    later = first.stat().st_mtime_ns + 1_000_000_000
    os.utime(again, ns=(later, later))
    shutil.copytree(first, folder / ".half")
    found = find_batches(folder)
    assert found[0] == again
    assert [path.name for path in found[1:]] == [path.name for path in find_batches(archive)[1:]]


def test_the_length_of_a_tick_is_that_of_the_archive(tmp_path: Path) -> None:
    """A job of 2 s ticks decided; its policy gives that decision again, not one of 5 s."""
    batch = rivals()
    folder = keep(tmp_path / "kept", batch, Policy(tick_s=2.0))
    expected = assign(batch, Policy(tick_s=2.0), SolveOptions()).gain_milli
    assert expected != assign(batch, Policy(), SolveOptions()).gain_milli
    found = call_json("diff", "default", "default", "--on", folder)
    assert found["total"]["old_plan_by_old_gain"] == expected / 1000


def test_a_folder_without_batches_is_one_line(tmp_path: Path) -> None:
    """Empty, and not there at all."""
    for folder in (tmp_path, tmp_path / "nothing"):
        message = refused("diff", "default", "zendesk", "--on", folder)
        assert message.startswith(f"batch: {folder} holds no archived batch, expected folders")


def test_bad_policies_are_one_line(archive: Path, tmp_path: Path) -> None:
    """Unknown, broken, and one that contradicts itself: a rehearsal needs one that could run."""
    words = ("default", "--on", archive)
    assert "is no TOML file, expected one, default or" in refused("diff", "zendeck", *words)
    assert "not TOML" in refused("diff", toml(tmp_path, "policy ="), *words)
    message = refused("diff", toml(tmp_path, "[policy]\np_floor = 0.99\n"), *words)
    assert "p_floor: 0.99 is above p_highest" in message
    assert refused("diff", tmp_path / "no.toml", *words).endswith("expected a TOML file")


def test_a_batch_that_is_not_whole_is_one_line(archive: Path, tmp_path: Path) -> None:
    """A file was lost on the way."""
    shutil.copytree(find_batches(archive)[0], tmp_path / "kept" / "one")
    (tmp_path / "kept" / "one" / "agents.parquet").unlink()
    assert "copy the whole folder" in refused(
        "diff", "default", "zendesk", "--on", tmp_path / "kept"
    )
