"""Gates that somebody set aside: what a run does, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hook import bootstrap
from hook.clock import Deadline, Interrupt, SystemClock
from hook.core.outcome import Status
from hook.core.reporting.override import Override
from hook.errors import ExitCode
from hook.settings.backup_source import parse_backup_source
from tests.fakes import FakeClock
from tests.testbed.gate import WORDING, Gate, deciding

FIRST = {"V1__t.sql": "CREATE TABLE t (id int)", "V2__u.sql": "CREATE TABLE u (id int)"}


def test_override_lets_a_refusal_pass_and_is_told(gate: Gate, tmp_path: Path) -> None:
    """What was set aside is in the log and in the report."""
    source = parse_backup_source(f"pgbackrest:{tmp_path}")
    backup = gate.settings.backup._replace(source=source, stanza="demo")
    gates = ["backup", "archive", "marker"]
    overrides = tuple(Override(name, "restored by hand") for name in gates)
    gate.settings = gate.settings._replace(backup=backup, overrides=overrides)
    report = gate.run(FIRST)
    assert report.exit_code is ExitCode.OK
    assert report.overrides == overrides
    told = {"level": "warning", "reason": "restored by hand", "until": None}
    assert gate.events.named("gate.overridden") == [{"gate": name, **told} for name in gates]
    (result,) = (item for item in report.results if item.name == "override")
    assert [item.status for item in result.findings] == [Status.WARNED] * 3
    assert "PRESYNC_OVERRIDE_UNTIL" in result.findings[0].hint


def _set_aside(gate: Gate, folder: Path, until: datetime) -> None:
    """Let *gate* look for backups where none are, and set that aside."""
    backup = gate.settings.backup._replace(source=parse_backup_source(f"dump:{folder}"))
    overrides = (Override("backup", "incident 7", until),)
    gate.settings = gate.settings._replace(backup=backup, overrides=overrides)


def test_override_ends_at_the_time_that_was_said(gate: Gate, tmp_path: Path) -> None:
    """A run that needs it is refused and looks at nothing else; one with nothing to do is not."""
    hour = timedelta(hours=1)
    _set_aside(gate, tmp_path, datetime.now(UTC) + hour)
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    _set_aside(gate, tmp_path, datetime.now(UTC) - hour)
    no_op = gate.run()
    assert (no_op.exit_code, no_op.overrides) == (ExitCode.OK, ())
    report = gate.run({"V2__u.sql": "CREATE TABLE u (id int)"})
    assert report.exit_code is ExitCode.CONFIG
    assert deciding(report).rule == "override"
    assert "PRESYNC_OVERRIDE_UNTIL" in report.verdict
    assert report.overrides == ()
    assert [item.name for item in report.results][-2:] == ["history", "override"]
    assert gate.database.query("SELECT to_regclass('u')") == [(None,)]


def test_override_ends_by_the_servers_clock_too(
    gate: Gate, tmp_path: Path, interrupt: Interrupt
) -> None:
    """A node that is two hours behind does not revive what is over."""
    gate.release(FIRST)
    now = datetime.now(UTC)
    _set_aside(gate, tmp_path, now - timedelta(hours=1))
    deadline = Deadline.after(SystemClock(interrupt), timedelta(minutes=1), "PRESYNC_DEADLINE")
    clock = FakeClock(now - timedelta(hours=2))
    behind = gate.context()._replace(clock=clock, deadline=deadline)
    report = bootstrap.run(gate.settings, behind, gate.orders, WORDING)
    assert report.exit_code is ExitCode.CONFIG
    assert (deciding(report).rule, report.overrides) == ("override", ())
