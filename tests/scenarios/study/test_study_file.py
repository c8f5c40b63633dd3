"""A study's file says what is meant, or is refused with what to do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scenarios.lab.own_policies import OURS
from scenarios.study.changes import Changes, Learn, Volume
from scenarios.study.errors import StudyError
from scenarios.study.read import build_study, find_study, read_study, ready_studies, with_days
from scenarios.study.routing import route_of
from scenarios.study.runs import build_laboratory, plan_runs
from scenarios.study.spec import AS_IT_IS, SweepPoint
from tests.scenarios.study.studies import tiny, tiny_study

NAMES = {
    "chat-three-to-four",
    "monday-spike",
    "site-closes",
    "ten-learn-spanish",
    "tick-length",
    "weights",
    "wrong-numbers",
}


def test_the_library_is_whole() -> None:
    """The ready studies that the documents promise."""
    assert set(ready_studies()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_ready_study_can_be_run(name: str) -> None:
    """Its file is read, all of its centres can be built, and every override changes something."""
    study = find_study(name)
    runs = plan_runs(study, build_laboratory(study))
    assert len({run.key for run in runs}) == len(runs)
    assert len(runs) == len(study.overrides) * len(study.policies) * len(study.days)


def test_every_key_arrives() -> None:
    """Days are seeds in a row; the override that changes nothing is there without being named."""
    study = tiny_study(days=2, first_day=7, baseline_policy="fifo", baseline_override="spike")
    assert study.days == (7, 8)
    assert [one.name for one in study.overrides] == [AS_IT_IS, "spike", "heavier"]
    assert study.overrides[1].changes == Changes(volume=(Volume(factor=2.0),))
    assert (study.baseline_policy, study.baseline_override) == ("fifo", "spike")
    assert with_days(study, 3).days == (7, 8, 9)


def test_a_sweep_is_an_override_per_value() -> None:
    """The number goes where the key says, and the baseline stands at its own value."""
    sweep = {
        "key": "learn.0.agents",
        "values": [3, 1],
        "base": 0,
        "unit": "agents",
        "changes": {"learn": [{"agents": 9, "classes": ["calls B"], "p": 0.7}]},
    }
    study = tiny_study(overrides={}, sweeps={"Learners": sweep})
    assert study.overrides[1].changes == Changes(learn=(Learn(3, ("calls B",), p=0.7),))
    assert study.sweeps[0].points == (
        SweepPoint(0.0, AS_IT_IS),
        SweepPoint(1.0, "Learners 1"),
        SweepPoint(3.0, "Learners 3"),
    )


def test_a_variant_is_our_policy_with_other_numbers() -> None:
    """What is left out is as usual, and its name takes no part in what a run is."""
    variants = {"money": {"head_share": 0, "floor_p": 0.0}, "same": {}, "own": {}}
    study = tiny_study(variants=variants, policies=["skills", "money", "same", "own"])
    assert route_of(study, "skills") == "skills"
    assert route_of(study, "money") == replace(OURS, head_share=0.0, floor_p=0.0)
    assert route_of(study, "same") == OURS
    keys = {run.policy: run.key for run in plan_runs(study, build_laboratory(study))}
    assert keys["same"] == keys["own"] != keys["money"]


def override(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """The tiny file with one override."""
    return tiny(overrides={"x": changes})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        # What stands outside of the sections.
        (tiny(dayz=3), "unknown key 'dayz' in [the study]; did you mean 'days'?"),
        (tiny(days="3"), "study.days is '3'; expected a whole number: mend it"),
        (tiny(days=True), "study.days is True; expected a whole number: mend it"),
        (tiny(days=1), "1 days; expected 2 to 10,000, as an interval needs two: mend it"),
        (tiny(policies=["skils"]), "policy 'skils' is unknown; did you mean 'skills'?"),
        (tiny(policies=["fifo"]), "baseline_policy 'skills' is not among the policies fifo"),
        (tiny(baseline_override="spik"), "override 'spik' is unknown; did you mean 'spike'?"),
        (tiny(bound_iterations=-1), "bound_iterations is -1; expected 0 or more: mend it"),
        (override(against="y"), "override 'y' is unknown; expected one of as it is, x: mend it"),
        (tiny(variants={"fifo": {}}), "variant 'fifo' is a policy of the lab; expected another"),
        (
            tiny(variants={"x": {"prices": "too"}}),
            "variant 'x': prices 'too'; did you mean 'two'?",
        ),
        (tiny(variants={"x": {"floor_p": 2}}), "[variants.x] floor_p is 2.0; expected a probabil"),
        (tiny(policies=["skills", "skills"]), "policies ['skills', 'skills'] name one twice"),
        # The centre.
        (tiny(centre={}), "centre.classes is missing; expected a value: add it"),
        (tiny(centre={"family": "tiny", "structure": "elm"}), "centre.family is 'tiny'; expected"),
        (
            tiny(centre={"family": "small", "structure": "ash"}),
            "centre.structure is 'ash'; expect",
        ),
        # Changes.
        (override(learns=[]), "unknown key 'learns' in [overrides.x]; did you mean 'learn'?"),
        (override(tick_s=0), "[overrides.x] tick_s is 0.0; expected a number above 0: mend it"),
        (override(chats={"at_once": 2}), "overrides.x.chats.slowdown is missing"),
        (
            override(volume=[{"factor": "2"}]),
            "overrides.x.volume[0].factor is '2'; expected a num",
        ),
        (
            override(learn=[{"agents": 1, "classes": ["calls B"]}]),
            "p is None and as_in is None; expected exactly one of the two: mend it",
        ),
        (override(close=[{"share": 1.0}]), "share is 1.0; expected a share between 0 and 1"),
        (override(close=[{"team": "third"}]), "no team is called 'third'; expected one of first,"),
        (override(volume=[{"factor": 2, "classes": ["mail*"]}]), "no class is called 'mail*'"),
        (
            override(volume=[{"factor": 2, "intervals": [2]}]),
            "volume: intervals [2]; expected num",
        ),
        (
            override(learn=[{"agents": 4, "classes": ["calls B"], "p": 0.7}]),
            "learn: 4 agents, but only 3 can learn and would gain from calls B; expected no more",
        ),
        # Sweeps.
        (
            tiny(sweeps={"s": {"key": "learn.agents", "values": [1], "unit": "x"}}),
            "sweeps.s.key 'learn.agents' leads nowhere: there is no 'learn'",
        ),
        (
            tiny(sweeps={"s": {"key": "tick", "values": [1], "unit": "x"}}),
            "unknown key 'tick' in [sweeps.s.changes]; did you mean 'tick_s'?",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    """Found, expected, what to do; nothing is guessed."""
    with pytest.raises(StudyError) as refused:
        build_laboratory(build_study("tiny", given))
    assert message in str(refused.value)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    """With its name; and so is a name that is no file."""
    path = tmp_path / "bad.toml"
    path.write_text("title = ")
    with pytest.raises(StudyError, match=r"bad.toml is no TOML"):
        read_study(path)
    with pytest.raises(StudyError, match="neither a file nor a ready study"):
        find_study("nothing")
