"""Whatever dies, the history says what the schema is, nothing runs twice, the next run ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from hook.errors import ExitCode
from tests.faults.bench import Bench, State, Struck, state_of, struck
from tests.faults.cells import PLAYED, Cell, Next
from tests.faults.faults import Fault
from tests.faults.kinds import RECORDED, SETTINGS, Kind
from tests.testbed.process import Completed
from tests.testbed.run_context import eventually

_KILLED = 137
# What is told of these is not how many were applied.
_AT_TARGET = frozenset({Kind.AFTER, Kind.REPORT, Kind.UPLOAD})
_AFTER_14 = frozenset({Next.REPAIR, Next.RETRY})


@pytest.mark.parametrize(
    ("major", "cell"), PLAYED, ids=[f"{major}-{cell.name}" for major, cell in PLAYED]
)
def test_run_that_a_fault_strikes(major: int, cell: Cell, bench: Callable[[int], Bench]) -> None:
    """Exit code and verdict are true, and what is told to do next leads to the target."""
    on = bench(major)
    before, target = on.before, on.target(cell.kind)
    with struck(on, cell) as run:
        left = state_of(run.deployment.database)
        judge_ending(run, cell)
        judge_trouble(run, cell)
        judge_record(run, cell)
        judge_state(left, cell, before, target)
        if cell.code != _KILLED:
            judge_verdict(run.completed.report["verdict"], cell, left, before, target)
        go_on(on, run, cell)
        eventually(lambda: not run.deployment.has_sessions())
        assert state_of(run.deployment.database) == target


def judge_ending(run: Struck, cell: Cell) -> None:
    """The process ended as the cell says, and every channel says so."""
    completed = run.completed
    if cell.code == _KILLED:
        assert completed.exit_code == -9
        return
    told = completed.report["verdict"]
    assert completed.exit_code == cell.code, told
    assert completed.report["exit_code"] == cell.code
    assert run.deployment.termination_log.read_text().startswith(told)


def judge_trouble(run: Struck, cell: Cell) -> None:
    """A run that was struck and passes has told of it; else nothing would show that it was."""
    if cell.code == ExitCode.OK and cell.kind is not Kind.REPORT:
        done = run.completed
        troubles = (*done.events_named("connection.lost"), *done.events_named("retry.scheduled"))
        assert troubles or _lacks_record(done), done.stderr


def judge_record(run: Struck, cell: Cell) -> None:
    """The ledger tells the same as the run, unless that could not, or said that it could not."""
    if cell.kind not in RECORDED or cell.fault is Fault.NEXT_AT_ONCE:
        return
    query = "SELECT exit_code, verdict FROM presync_run ORDER BY id DESC LIMIT 1"
    (found,) = run.deployment.database.query(query)
    if cell.code == _KILLED or _lacks_record(run.completed):
        assert found == (None, None)
    else:
        assert found == (cell.code, run.completed.report["verdict"])


def _lacks_record(done: Completed) -> bool:
    findings = done.events_named("finding")
    return ("ledger", "WARNING") in {(item["rule"], item["level"]) for item in findings}


def judge_state(left: State, cell: Cell, before: State, target: State) -> None:
    """The history says exactly what the schema is, and nothing was applied twice."""
    assert not Counter(left.rows) - Counter(before.rows) - Counter(target.rows)
    if cell.next in {Next.DONE, Next.AGAIN, Next.RETRY}:
        assert left == (target if cell.next is Next.DONE else before)
    elif cell.next is Next.EITHER:
        assert left in (before, target)
    elif cell.next is Next.CALLBACK:
        assert left.history == before.history
        assert left.schema == before.schema
    elif cell.next is Next.MEND:
        # An index is no data, nor is what a table is a part of: the next run looks at it.
        assert left.history == before.history
        assert left.rows == before.rows
    elif cell.next is Next.ONWARD:
        assert left.history == before.history
        assert not Counter(before.rows) - Counter(left.rows)
    elif cell.code == ExitCode.PARTIAL or cell.fault is Fault.SIGTERM:
        assert left.history == (*before.history, ("V2__x.sql", False))
    else:
        assert left.history == before.history


def judge_verdict(verdict: str, cell: Cell, left: State, before: State, target: State) -> None:
    """What the one line claims is true."""
    if cell.code == ExitCode.FAILED_BEFORE:
        return  # the database was touched, and that is told, by the run before
    assert not verdict.endswith("untouched") or left == before, verdict
    if cell.next is Next.CALLBACK:
        # What was rolled back is the script behind it.
        assert "rolled back" in verdict or "whether it was committed is unknown" in verdict
        return
    assert "rolled back" not in verdict or left == before, verdict
    claims_all = verdict.startswith("PASSED") or " applied, at " in verdict
    claims_all |= cell.kind in _AT_TARGET and verdict.endswith(", at 2")
    assert claims_all == (left == target), verdict
    if left.content not in (before.content, target.content):
        assert "left behind: " in verdict


def go_on(bench: Bench, run: Struck, cell: Cell) -> None:
    """Do what the page says is done next."""
    deployment, more = run.deployment, tuple[str, ...]()
    if cell.next in _AFTER_14:
        refused = bench.run(deployment, cell.kind, "run")
        assert refused.exit_code == ExitCode.FAILED_BEFORE, refused.report["verdict"]
        more = ("--retry-failed",)
    if cell.next is Next.REPAIR:
        _bring_back(run, cell.kind)
        repaired = bench.run(deployment, cell.kind, "repair", "--yes")
        assert repaired.exit_code == ExitCode.OK, repaired.report["verdict"]
    done = bench.run(deployment, cell.kind, "run", *more)
    assert done.exit_code == ExitCode.OK, done.report["verdict"]
    applied = [item["script"] for item in done.report["migrations"]]
    if cell.next is Next.DONE:
        assert not applied


def _bring_back(run: Struck, kind: Kind) -> None:
    """Do by hand what the exit code asks for; statement by statement, as of a build."""
    for statement in SETTINGS[kind].undo.split(";"):
        run.deployment.database.execute(statement)
