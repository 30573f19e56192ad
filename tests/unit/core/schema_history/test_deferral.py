"""Whether a new backup is what a run is missing, and nothing else."""

from __future__ import annotations

import pytest

from hook.core.outcome import Finding, Status, failed, passed, unknown, warned
from hook.core.schema_history.deferral import Deferral
from hook.errors import ExitCode

STALE = failed(ExitCode.NO_WAY_BACK, "backup-age", "stopped 31h ago", "Take one.")
NONE = failed(ExitCode.NO_WAY_BACK, "backup-usable", "none is usable")
OTHER = failed(ExitCode.NO_WAY_BACK, "backup-cluster", "of another cluster")
UNREAD = unknown(ExitCode.UNKNOWN_BACKUP, "backup-unknown", "denied")
# The rule alone is not enough: what is unknown may well be there.
UNKNOWN_AGE = unknown(ExitCode.UNKNOWN_BACKUP, "backup-age", "not to be read")
HOLE = failed(ExitCode.NO_WAY_BACK, "wal-archive", "WAL is missing")
LAG = failed(ExitCode.NO_WAY_BACK, "wal-lag", "not archived since 2h")
OFF = failed(ExitCode.NO_WAY_BACK, "archiver", "archive_mode is off")
BLOCKED = failed(ExitCode.BLOCKED, "blocker", "pid 7")
GOOD = passed("blockers", "nobody is in the way")
Gates = list[tuple[str, tuple[Finding, ...]]]


def _revise(gates: Gates) -> tuple[bool, list[Finding]]:
    deferral = Deferral()
    revised = [item for gate, found in gates for item in deferral.revise(gate, found)]
    return deferral.is_called_for, revised


@pytest.mark.parametrize("missing", [STALE, NONE])
def test_backup_is_called_for_when_none_is_fresh(missing: Finding) -> None:
    """What was found stays told, as a warning; what was good stays good."""
    called_for, found = _revise(
        [("blockers", (GOOD,)), ("backup", (warned("x", "y"), missing)), ("archive", (GOOD,))]
    )
    assert called_for
    assert [item.status for item in found] == [
        Status.PASSED, Status.WARNED, Status.WARNED, Status.PASSED,
    ]  # fmt: skip
    assert found[2].code is ExitCode.OK
    assert (found[2].rule, found[2].message) == (missing.rule, missing.message)


def test_hole_behind_the_old_backup_is_healed_by_a_new_one() -> None:
    """A restore begins at the new backup then."""
    called_for, found = _revise([("backup", (STALE,)), ("archive", (GOOD, HOLE))])
    assert called_for
    assert not any(item.code for item in found)


@pytest.mark.parametrize(
    "gates",
    [
        [("blockers", (GOOD,)), ("backup", (GOOD,)), ("archive", (GOOD,))],
        [("backup", (UNREAD,))],
        [("backup", (UNKNOWN_AGE,))],
        [("backup", (OTHER,))],
        [("backup", (STALE, UNREAD))],
        [("blockers", (BLOCKED,)), ("backup", (STALE,)), ("archive", (HOLE,))],
        [("backup", (STALE,)), ("archive", (LAG,))],
        [("backup", (STALE,)), ("archive", (OFF, HOLE))],
        [("backup", (GOOD,)), ("archive", (HOLE,))],
    ],
    ids=[
        "all is well", "unreadable", "unknown age", "another cluster", "stale and unreadable",
        "blocked as well", "lag", "archiver off", "fresh, with a hole",
    ],
)  # fmt: skip
def test_backup_is_not_called_for_when_it_would_not_help(gates: Gates) -> None:
    """Then the run ends with what stands against it, and no backup is made."""
    called_for, found = _revise(gates)
    assert not called_for
    before = [item.code for _, findings in gates for item in findings if item.code]
    assert [item.code for item in found if item.code][-1:] == before[-1:]


def test_first_reason_stands_when_no_backup_would_help() -> None:
    """A release that is blocked is told so, and that the backup is stale."""
    _, found = _revise([("blockers", (BLOCKED,)), ("backup", (STALE,))])
    assert found == [BLOCKED, STALE]
