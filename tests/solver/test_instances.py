"""Published assignment instances through the benchmark's door, and its answer on small files."""

import json
from pathlib import Path

import pytest

from benchmarks.instances import main

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "orlib_assign"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="../shared/data is missing")
def test_every_published_optimum_is_met_exactly(capsys: pytest.CaptureFixture[str]) -> None:
    """All eight OR-Library instances: equal to the published number, proven, exit code 0."""
    assert main([str(PUBLISHED)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 8
    for line in lines:
        assert line["objective"] == line["bound"] == line["published"]
        assert (line["gap"], line["termination"]) == (0, "optimal")


def test_dense_and_sparse_files_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same 2 x 2 costs in both formats; the diagonal 1 + 1 beats 4 + 3."""
    (tmp_path / "dense.txt").write_text("2\n1 4\n3 1\n")
    (tmp_path / "sparse.txt").write_text("2\n1 1 1\n2 2 1\n1 2 4\n2 1 3\n")
    assert main([str(tmp_path)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["objective"] for line in lines] == [2, 2]
    assert [line["published"] for line in lines] == [None, None]


def test_an_answer_that_differs_from_the_published_one_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong optimum and an instance in which not everybody can be assigned: exit code 1."""
    (tmp_path / "wrong.txt").write_text("2\n1 4\n3 1\n")
    (tmp_path / "optima.csv").write_text("instance,optimum\nwrong,3\nnobody,5\n")
    assert main([str(tmp_path / "wrong.txt")]) == 1
    (tmp_path / "nobody.txt").write_text("2\n1 1 1\n2 1 1\n")
    assert main([str(tmp_path / "nobody.txt")]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["objective"] for line in lines] == [2, None]


def test_a_broken_file_and_a_missing_argument_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A truncated file says what was found and expected; no argument shows the usage."""
    (tmp_path / "cut.txt").write_text("3\n1 2 3 4\n")
    with pytest.raises(ValueError, match="4 numbers after n = 3, expected n x n costs or triples"):
        main([str(tmp_path / "cut.txt")])
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
