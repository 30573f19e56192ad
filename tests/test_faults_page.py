"""The page on faults says what the cells say, and leaves nothing out without a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.faults.cells import ABSENT, CELLS, PLAYED, REASONS, STAGES_WITHOUT_ROW
from tests.faults.faults import Fault
from tests.faults.kinds import Kind
from tests.faults.page import PAGE, faults_page
from tests.testbed.process import ROOT

# What puts a stage, named by its first argument, on the record of a run.
_RECORDING = frozenset({"stage", "attempt", "quietly", "Gate", "_marker_gate", "_finish"})


def test_faults_page_is_written_from_the_cells() -> None:
    """A changed cell needs the page to be written again."""
    assert PAGE.read_text(encoding="utf-8") == faults_page()


def test_matrix_is_large() -> None:
    """Each kind of work meets most faults, on each version."""
    assert len(PLAYED) >= 1000


def test_every_combination_is_played_or_has_a_reason() -> None:
    """No place of the table is left empty, and no reason is given that nothing needs."""
    played = {(cell.kind, cell.fault) for cell in CELLS}
    assert played.isdisjoint(ABSENT)
    assert played | set(ABSENT) == {(kind, fault) for kind in Kind for fault in Fault}
    assert set(ABSENT.values()) == set(REASONS)


def test_every_stage_of_a_run_has_a_row() -> None:
    """A stage that is added is struck as well, or the page says why that cannot be."""
    rows = {kind.value.partition(":")[0].removeprefix("stage ") for kind in Kind}
    stages = {name for path in (ROOT / "hook").rglob("*.py") for name in _stages_in(path)}
    assert stages - rows == set(STAGES_WITHOUT_ROW)
    assert rows - stages == {"report"}  # told of by who writes it, behind the last stage


def _stages_in(path: Path) -> Iterator[str]:
    """Find the names of stages in a module: those they have themselves, and those of records."""
    is_stage = "stages" in path.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and is_stage and ast.unparse(node.target) == "name":
            yield from _text(node.value)
        elif isinstance(node, ast.Call) and _called(node.func) in _RECORDING:
            yield from _text(*node.args[:1])


def _called(function: ast.expr) -> str:
    return ast.unparse(function).rpartition(".")[2]


def _text(*values: ast.expr | None) -> Iterator[str]:
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
