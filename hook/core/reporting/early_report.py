"""Reports of runs that the pipeline did not end: they could not start, or not be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from hook.core.execution.progress import Progress
from hook.core.outcome import Finding, Result, Status, from_error
from hook.core.reporting.next_steps import next_steps
from hook.core.reporting.report import Report
from hook.core.reporting.verdict import RunFacts, compose_verdict
from hook.errors import DeadlineExceeded, ExitCode, HookError, Interrupted, ReportFailed

# The codes of what was typed or set wrong, which help tells how to do right.
_HELPED = frozenset({ExitCode.USAGE, ExitCode.CONFIG})
_BEFORE_ANY_STATEMENT = frozenset({"settings", "wait", "resolve"})
_HANGS_EARLY = "Find out which mount or file does not answer: the log says what came before."
_HANGS = (
    "Find out which mount or file does not answer. `presync info` tells what is applied; a"
    " transaction that was open is rolled back, unless its COMMIT was under way."
)
_NO_READER = "Find out who reads PRESYNC_REPORT or stdout, and does not."


def report_of_error(
    error: HookError, command: str, run_id: str, now: datetime, helper: str
) -> Report:
    """Return the report of *command* that ended before its first stage.

    Each problem with the settings is a finding of its own, with what is to be done about it.
    Of all commands only *helper* is named as the next step: any other would be given the same
    settings and end in the same way.
    """
    facts = RunFacts(from_error(error), command=command)
    report = _report(error, facts, Result("settings", _findings(error)), run_id, now)
    return report._replace(next_steps=(helper,)) if error.exit_code in _HELPED else report


class Hanging(NamedTuple):
    """A command that is to end, and hangs in a call that nothing wakes.

    Attributes:
        signal_name: Of the stop request, empty without one: the deadline has passed.
        deadline: With its value.
        stage: What hangs.
        report: What was to be told, none as long as the command works.
    """

    signal_name: str
    deadline: str
    stage: str
    command: str
    run_id: str
    report: Report | None = None


def report_of_abandoned(hanging: Hanging, now: datetime) -> Report:
    """Return the report of what hangs.

    What became of the database only the thread knows that hangs, but for the stages in
    front of the first statement. A report that nobody takes has said it, to the ledger as
    well; so it keeps its verdict.
    """
    used_up = f"{hanging.deadline} is used up"
    if hanging.report is not None:
        asked = f"{hanging.signal_name} received" if hanging.signal_name else used_up
        error = ReportFailed(f"{asked}, and nobody takes the report", _NO_READER)
        return with_failed_sink(hanging.report, error)
    is_untouched = hanging.stage in _BEFORE_ANY_STATEMENT
    why = f"and a call in stage {hanging.stage} that nothing can interrupt does not return"
    hint = _HANGS_EARLY if is_untouched else _HANGS
    reason: HookError
    if hanging.signal_name:
        reason = Interrupted(hanging.signal_name, why, hint)
    else:
        reason = DeadlineExceeded(f"{used_up} {why}", hint)
    progress = Progress.UNTOUCHED if is_untouched else Progress.UNKNOWN
    facts = RunFacts(from_error(reason), command=hanging.command, progress=progress)
    return _report(reason, facts, Result(hanging.stage, _findings(reason)), hanging.run_id, now)


def _report(
    error: HookError, facts: RunFacts, result: Result, run_id: str, now: datetime
) -> Report:
    return Report(
        command=facts.command,
        run_id=run_id,
        verdict=compose_verdict(facts),
        exit_code=error.exit_code,
        started_at=now,
        finished_at=now,
        results=(result,),
    )


def _findings(error: HookError) -> tuple[Finding, ...]:
    whole = from_error(error)
    hints = error.hints or (error.hint,) * len(error.problems)
    told = zip(error.problems, hints, strict=True)
    return tuple(replace(whole, message=text, hint=hint) for text, hint in told) or (whole,)


def with_failed_sink(report: Report, error: HookError) -> Report:
    """Return *report* with what became of a sink that was asked for.

    The sink decides the exit code only of a run that has no worse to tell.
    """
    finding = from_error(error)
    if report.exit_code is not ExitCode.OK:
        warned = replace(finding, status=Status.WARNED, code=ExitCode.OK)
        return report._replace(results=(*report.results, Result("report", (warned,))))
    version = report.after.get("version") or report.before.get("version")
    after = None if version is None else str(version)
    facts = RunFacts(finding, report.migrations, after=after)
    return report._replace(
        verdict=compose_verdict(facts),
        exit_code=error.exit_code,
        results=(*report.results, Result("report", (finding,))),
        next_steps=next_steps(finding, report.command),
    )
