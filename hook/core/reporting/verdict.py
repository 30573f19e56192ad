"""The verdict line: exit code, name, what was found and the state of the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from typing import NamedTuple

from hook.core.execution.progress import Progress
from hook.core.outcome import Finding, Result, Status
from hook.core.reporting.report import AppliedMigration
from hook.core.reporting.shorten import cut, shorten, squeeze
from hook.core.text import one_line
from hook.errors import Effect, ExitCode

VERDICT_LENGTH = 160
_DIGEST_LENGTH = len("sha256:") + 8
_VERSION_LENGTH = 40
# Of a migration in a list, and of the facts that name an object.
_NAME_LENGTH = 60
_NAMES = ("script",)
# What stays in the database matters as much as why.
_LEFT_BEHIND = "; left behind: "


class RunFacts(NamedTuple):
    """What the verdict is composed of.

    Attributes:
        deciding: The finding that set the exit code, none when the run passed.
        before: Version of the schema before the run, none when empty or not read.
        after: Version of the schema after the run, none when empty or not read.
        set_digest: ``sha256:`` and hex of the release's migrations, none when not read.
        ahead: Versions in the history that are newer than the release.
        progress: How far the database was changed.
        command: What was asked for; only `run` and `verify` say "up to date".
        pending: Number of migrations still to be applied.
        summary: What a command that edits the history did or would do, empty for others.
        others: What else refuses the run, see `count_others`.
        unresolved: How many rows of the history are failed, of a command that shows them.
    """

    deciding: Finding | None
    applied: tuple[AppliedMigration, ...] = ()
    before: str | None = None
    after: str | None = None
    set_digest: str | None = None
    ahead: tuple[str, ...] = ()
    progress: Progress = Progress.UNTOUCHED
    duration_ms: int = 0
    command: str = "run"
    pending: int = 0
    summary: str = ""
    others: int = 0
    unresolved: int = 0


# What stands in the way before the run begins to work. Each has to go by itself: trying again
# may help with the last two, and does not with the others.
_OBSTACLES = {
    *(code for code in ExitCode if code.effect is Effect.UNTOUCHED),
    ExitCode.BLOCKED,
    ExitCode.UNKNOWN_BACKUP,
}


def count_others(results: Iterable[Result], deciding: Finding | None) -> int:
    """Return how many obstacles are left when those of *deciding* are out of the way.

    What could not be found out is one as well: it refuses the run as what was judged bad
    does. What two gates tell in the same words is one. None is counted of a run that had
    begun to work: what fails there may be a consequence of what failed first.
    """
    if deciding is None or not _is_obstacle(deciding):
        return 0
    obstacles = {
        item.message: _size(item)
        for result in results
        for item in result.findings
        if _is_obstacle(item) and item.message != deciding.message
    }
    return sum(obstacles.values())


def _size(finding: Finding) -> int:
    """Return of how many things *finding* tells, listed or not."""
    not_listed = finding.facts.get("not_listed", 0)
    return max(1, len(finding.problems), not_listed if isinstance(not_listed, int) else 0)


def _is_obstacle(finding: Finding) -> bool:
    return finding.status is Status.UNKNOWN or finding.code in _OBSTACLES


def compose_verdict(facts: RunFacts) -> str:
    """Return the verdict, one line of at most `VERDICT_LENGTH` characters.

    The head (word, number, name) and the tail (state of the database) are never cut.
    When something must go it is of the message between them: other problems than the
    first are counted, then it is made to fit by `shorten`.
    """
    if facts.deciding is None:
        return _passed(facts)
    code = facts.deciding.code
    head = f"{verdict_word(code)} {int(code)} {code.name}: "
    tail = _state(code, facts)
    room = VERDICT_LENGTH - len(head) - len(tail)
    return head + _message(facts.deciding, facts.others, room) + tail


def _message(finding: Finding, others: int, room: int) -> str:
    message, count = one_line(finding.message), _count(others)
    if len(message) + len(count) <= room:
        return message + count
    if len(finding.problems) > 1:
        message, count = one_line(finding.problems[0]), _count(others + len(finding.problems) - 1)
    names = [one_line(str(finding.facts[name])) for name in _NAMES if name in finding.facts]
    return shorten(message, room - len(count), names, _LEFT_BEHIND) + count


def _count(others: int) -> str:
    return f" (and {others} more)" if others else ""


def verdict_word(code: ExitCode) -> str:
    """Return the first word of the verdict for *code*."""
    if code is ExitCode.OK:
        return "PASSED"
    is_refusal = code.effect is Effect.UNTOUCHED and code is not ExitCode.NOT_YET
    return "REFUSED" if is_refusal else "FAILED"


# Of these neither "rolled back" nor "untouched" is known, or is what the reader asks.
_WITHOUT_CLAIM = {
    ExitCode.PARTIAL,
    ExitCode.VERIFY_FAILED,
    ExitCode.NOT_YET,
    ExitCode.REPORT,
    ExitCode.BUG,
}


def _state(code: ExitCode, facts: RunFacts) -> str:
    version = _version(facts)
    at = f", at {version}" if version else ""
    if code in _WITHOUT_CLAIM:
        return _level_of_passed(facts, at) if code is ExitCode.REPORT else at
    if facts.progress is Progress.UNTOUCHED:
        return "; database untouched"
    if facts.progress is Progress.ROLLED_BACK:
        # It speaks of what was begun last; whoever reads it must not think so of the rest.
        stays = f", {count_applied(facts.applied)} before" if facts.applied else ""
        return f"; rolled back{stays}{at}"
    if facts.progress is Progress.COMMITTED:
        done = facts.summary or count_applied(facts.applied)
        return f"; {done}{at}"
    return at


def _level_of_passed(facts: RunFacts, at: str) -> str:
    """Return what a run did that passed, and whose report is missing."""
    if facts.applied:
        return f"; {count_applied(facts.applied)}{at}"
    return f"; database{at.removeprefix(',')}" if at else ""


def _passed(facts: RunFacts) -> str:
    seconds = f", in {facts.duration_ms / 1000:.1f}s"
    version = _version(facts)
    head = "PASSED 0 OK: "
    if facts.applied:
        tail = (f", at {version}" if version else "") + seconds
        count = count_applied(facts.applied)
        names = [squeeze(applied_name(item), _NAME_LENGTH) for item in facts.applied]
        room = VERDICT_LENGTH - len(head) - len(count) - len(tail) - len(" ()")
        return f"{head}{count} ({_listed(names, room)}){tail}"
    if facts.summary:
        tail = (f", at {version}" if version else "") + seconds
        room = VERDICT_LENGTH - len(head) - len(tail)
        return f"{head}{cut(one_line(facts.summary), room)}{tail}"
    at = f" at {version}" if version else ""
    digest = f" (set {facts.set_digest[:_DIGEST_LENGTH]})" if facts.set_digest else ""
    return f"{head}{_level(facts)}{at}{digest}{seconds}"


_OFFLINE = {
    "config": "settings can be read",
    "lint": "scripts can be read",
    "digest": "set is well formed",
}


def _level(facts: RunFacts) -> str:
    if facts.command in _OFFLINE:
        return _OFFLINE[facts.command]
    if facts.ahead:
        return "database is ahead"
    if facts.command in {"run", "verify"}:
        return "up to date"
    unresolved = f"{facts.unresolved} failed, " if facts.unresolved else ""
    return f"{unresolved}{facts.pending or 'nothing'} pending"


def _version(facts: RunFacts) -> str:
    return squeeze(one_line(facts.after or facts.before or ""), _VERSION_LENGTH)


def count_applied(applied: Sequence[AppliedMigration]) -> str:
    """Return ``3 applied``, or in words that they were only recorded."""
    is_run = all(item.executed for item in applied)
    return f"{len(applied)} {'applied' if is_run else 'recorded, not run'}"


def applied_name(migration: AppliedMigration) -> str:
    """Return the short name of *migration*: ``V5``, or ``R views`` for a repeatable."""
    if migration.version is not None:
        return f"V{migration.version}"
    return f"R {one_line(migration.description)}"


def _listed(names: Sequence[str], room: int) -> str:
    """Join *names*; leave out the middle ones when they do not fit *room* characters."""
    if sum(map(len, names)) + 2 * (len(names) - 1) <= room:
        return ", ".join(names)
    last = f"… {names[-1]}"
    lengths = accumulate((len(name) + len(", ") for name in names[:-1]), initial=len(last))
    ends = zip(names[:-1], islice(lengths, 1, None), strict=True)
    kept = [name for name, length in ends if length <= room]
    return squeeze(", ".join([*kept, last]), room)
