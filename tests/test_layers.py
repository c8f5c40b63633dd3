"""The picture of the architecture, enforced: who may import whom, and which library where."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {
    "models": set(),
    "solver": {"models"},
    "data_io": {"models"},
    "jobs": {"models", "solver", "data_io"},
    "scenarios": {"models", "solver", "data_io"},
}
LIBRARIES = {
    "models": {"polars", "numpy"},
    "solver": {"polars", "numpy", "scipy", "numba"},
    "solver/backends": {"polars", "numpy", "scipy", "numba", "ortools", "pulp"},
    "data_io": {"polars", "pyarrow", "duckdb"},
    "jobs": {"polars", "numpy", "rich", "typer"},
    "scenarios": {"polars", "numpy", "scipy", "rich", "pulp", "typer", "matplotlib", "jinja2"},
}
CLOCKS = {"now", "utcnow", "today", "time", "time_ns"}
CLOCK_FILE = "jobs/clock.py"
MAX_LINES = 300
WIDE_FILES = {"models/tables.py"}  # one contract a table, nothing else


def _files() -> list[Path]:
    return sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", _files(), ids=_name)
def test_a_file_imports_only_lower_layers_and_its_own_libraries(path: Path) -> None:
    """`models` below `solver | data_io` below `jobs | scenarios`; siblings never meet."""
    layer = path.relative_to(ROOT).parts[0]
    folder = "solver/backends" if _name(path).startswith("solver/backends") else layer
    imported = set(_imported(ast.parse(path.read_text())))
    own = {name for name in imported if name in LAYERS or name == "omniassign"}
    assert own <= LAYERS[layer] | {layer}
    known = {name for libraries in LIBRARIES.values() for name in libraries}
    assert imported & known <= LIBRARIES[folder]


@pytest.mark.parametrize("path", _files(), ids=_name)
def test_only_one_file_reads_the_clock(path: Path) -> None:
    """Time is an argument; `datetime.now()` and its kin stand in one file."""
    if _name(path) == CLOCK_FILE:
        return
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    read = [
        ast.unparse(call.func)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in CLOCKS
        and ast.unparse(call.func.value) in {"datetime", "date", "time", "datetime.datetime"}
    ]
    assert read == []


@pytest.mark.parametrize("path", _files(), ids=_name)
def test_files_stay_short(path: Path) -> None:
    """A file answers one question and stays under 300 lines."""
    if _name(path) not in WIDE_FILES:
        assert len(path.read_text().splitlines()) <= MAX_LINES


def test_packages_export_nothing() -> None:
    """`__init__.py` holds a docstring and nothing else, so `solver.solve` is always the module."""
    for path in (path for path in _files() if path.name == "__init__.py"):
        body = ast.parse(path.read_text()).body
        assert len(body) == 1
        assert isinstance(body[0], ast.Expr)


def test_tests_have_no_packages() -> None:
    """An `__init__.py` under tests would shadow the real packages."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []
