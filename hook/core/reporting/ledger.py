"""A run as the ledger keeps it: a row begun before the first script and finished at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from hook.core.backups.marker import Marker
from hook.core.execution.group import Grouping
from hook.core.execution.prepared import PreparedScript
from hook.core.execution.sqlstate import STATE_OF_SERVER
from hook.core.outcome import Finding, deciding_finding, failed
from hook.core.reporting.past_run import (
    NO_RESUMPTION,
    BegunScript,
    FailedScript,
    PastRun,
    Resumption,
)
from hook.core.reporting.report import Report
from hook.core.schema_history.plan import Plan
from hook.core.scripts.script import Migration
from hook.core.span import describe_span
from hook.core.text import counted
from hook.errors import ExitCode

# Fact of a finding: the script of which the row of the run says how far it came.
GOES_ON = "goes_on"


class Beginning(NamedTuple):
    """What is known of a run when it begins to change something.

    Attributes:
        set_digest: ``sha256:`` and hex of the release's migrations, empty without a release.
        actor: ``namespace``, ``pod``, ``job`` and ``job_uid`` of whoever runs, none where unknown.
        marker: Where in the server's log it begins, none when nobody looked.
        cut_off: Script that a run before it has begun, and that this one goes on with.
        noted: See `PastRun.noted`.
        history: Table of the schema history; others may lie beside it.
    """

    command: str
    run_id: str
    started_at: datetime
    set_digest: str
    version_before: str | None
    actor: Mapping[str, str | None]
    marker: Marker | None = None
    cut_off: BegunScript | None = None
    noted: Mapping[str, str] = MappingProxyType({})
    history: str = ""


class Ending(NamedTuple):
    """How a run ended.

    Attributes:
        report: ``presync.report/1`` as JSON text, without secrets.
        goes_on: What the row says of a script that was begun still counts.
    """

    finished_at: datetime
    verdict: str
    exit_code: int
    version_after: str | None
    failed: FailedScript | None
    report: str
    goes_on: bool = False


class FirstUnit(NamedTuple):
    """What a run applies first, all of it or nothing, and the rank of its first row."""

    migrations: tuple[Migration, ...]
    rank: int

    @classmethod
    def of(cls, plan: Plan, grouping: Grouping) -> FirstUnit:
        """Return the first migration of *plan*, or all of them where they are a group."""
        is_one = grouping is Grouping.ALL
        return cls(plan.pending if is_one else plan.pending[:1], plan.next_rank)


def failed_script_of(report: Report) -> FailedScript | None:
    """Return the script at which *report*'s run failed by the script's own fault.

    What lost against other sessions or a time limit may succeed the next time, and what
    failed for want of a server in good health (a full disk) once that is mended.
    """
    if report.exit_code is not ExitCode.SQL_FAILED:
        return None
    finding = deciding_finding(item for result in report.results for item in result.findings)
    facts = {} if finding is None else finding.facts
    script, rank, checksum = facts.get("script"), facts.get("rank"), facts.get("checksum")
    if finding is None or not isinstance(script, str) or not isinstance(rank, int):
        return None
    if facts.get("sqlstate") in STATE_OF_SERVER:
        return None
    return FailedScript(
        script, checksum if isinstance(checksum, int) else None, rank, finding.message
    )


def goes_on_after(report: Report) -> bool:
    """Tell whether the next run goes on with a script that *report*'s run has begun."""
    return any(GOES_ON in item.facts for result in report.results for item in result.findings)


def find_cut_off(
    last: PastRun | None, unit: Iterable[PreparedScript], applied_digest: str
) -> PreparedScript | None:
    """Return the script of *unit* that may have run in part, none when it cannot have.

    A run that is killed, or that cannot reach the database any more, leaves its row without
    an end; one that lost its connection for a while may tell that it did. What it was at is
    what is pending first now, unless its release has been applied whole; without a transaction
    nothing has undone it, and no row of the schema history tells of it.

    Args:
        last: The run that wrote the ledger last; it is over, because we have the lock.
        unit: What is to be applied first.
        applied_digest: Of the present release without all that is pending.
    """
    if last is None or last.command != "run" or last.set_digest == applied_digest:
        return None
    in_part = (item for item in unit if item.is_run and item.runs_once)
    if last.finished_at is None:
        in_part = (item for item in in_part if not _is_unbegun(last, item))
    else:
        in_part = (
            item for item in in_part if has_begun(last, item) and not _is_unbegun(last, item)
        )
    return next(in_part, None)


def _is_unbegun(last: PastRun, script: PreparedScript) -> bool:
    """Tell whether *last* cannot have done anything of *script*, of which it would have told."""
    name, begun = script.migration.script, last.cut_off
    if begun is not None and begun.script == name:
        return begun.is_untouched
    return name in last.noted


def noted_texts(scripts: Iterable[PreparedScript]) -> Mapping[str, str]:
    """Return the scripts that are not begun before the ledger names them, with their texts."""
    once = (item for item in scripts if item.is_run and item.runs_once)
    return {item.migration.script: item.text for item in once}


def begun_script(
    script: PreparedScript, done: int | None = None, *, found: bool = False
) -> BegunScript:
    """Return what the ledger keeps of *script* once it is begun."""
    name, checksum = script.migration.script, script.migration.checksum
    return BegunScript(name, checksum, script.text, done, found, script.tells_of_first)


def has_begun(last: PastRun, script: PreparedScript) -> bool:
    """Tell whether *last* is known to have begun this very *script*.

    Only then what the server refuses of it may be what *last* has done already: a run that
    was killed in front of it has done nothing of it, and its names may be wrong.
    """
    return last.cut_off is not None and last.cut_off[:2] == begun_script(script)[:2]


def resume(last: PastRun, script: PreparedScript) -> Resumption:
    """Return where to go on with *script*, see `find_cut_off`."""
    begun = last.cut_off
    if begun is None or not has_begun(last, script):
        return NO_RESUMPTION
    # Of another text the same statements are others.
    is_same = bool(script.text) and begun.text == script.text and not begun.held
    return Resumption(begun.script, begun.done if is_same else None, is_same and begun.found)


def judge_cut_off(last: PastRun, cut_off: PreparedScript) -> Finding | None:
    """Return why *cut_off*, see `find_cut_off`, needs a human; none when it goes on by itself.

    Where *last* has ended and does not say how far it came, it has left nothing to a human.
    """
    if cut_off.can_resume or resume(last, cut_off).done is not None:
        return None
    if last.finished_at is not None and (last.cut_off is None or last.cut_off.done is None):
        return None
    script = cut_off.migration.script
    how = "never told how it ended, and " if last.finished_at is None else ""
    return failed(
        ExitCode.FAILED_BEFORE,
        "cut-off",
        f"run {last.run_id} {how}may have run a part of {script}, {_why_unknown(last, cut_off)}",
        f"Bring the objects of {script} to the state before it, then run once more with"
        " --retry-failed.",
        script=script,
        first_run=last.run_id,
    )


def _why_unknown(last: PastRun, cut_off: PreparedScript) -> str:
    if cut_off.unnoted:
        return f"which has no transaction; {cut_off.unnoted}"
    if cut_off.in_transaction:
        return "which is run in a transaction now"
    begun = last.cut_off or BegunScript("", None)
    if begun.script == cut_off.migration.script and begun.text not in {"", cut_off.text}:
        return "of which the text has changed since"
    if begun.held and has_begun(last, cut_off):
        done = counted(begun.done or 0, "statement")
        return f"{done} of which are done; gone with its session: {', '.join(begun.held)}"
    return "which has no transaction"


def judge_last_run(
    last: PastRun | None, unit: FirstUnit, set_digest: str, memory: timedelta
) -> Finding | None:
    """Return why *unit* would only fail again, none when that is not certain.

    Argo CD tries a failed sync five times: a broken script shall not run five times.
    Any change, of the release or of the history, is a reason to try.

    Args:
        last: The run that wrote the ledger last.
        unit: What is to be applied first.
        set_digest: Of the release.
        memory: How long a failure is remembered.
    """
    if last is None or last.failed is None or last.age >= memory:
        return None
    before = last.failed
    is_same = any(
        (before.script, before.checksum, before.rank) == (item.script, item.checksum, rank)
        for rank, item in enumerate(unit.migrations, unit.rank)
    )
    if last.set_digest != set_digest or not is_same:
        return None
    age = describe_span(last.age)
    return failed(
        ExitCode.FAILED_BEFORE,
        "failure-remembered",
        f"not run again, as it failed {age} ago: {before.message} (run {last.run_id}, nothing has"
        " changed since)",
        f"Correct {before.script} in a new release; or, if the database was mended, run once more"
        " with --retry-failed. PRESYNC_FAILURE_MEMORY says how long a failure counts.",
        script=before.script,
        first_run=last.run_id,
        age_ms=last.age // timedelta(milliseconds=1),
    )
