"""Every exit code and every error that presync raises, in one place.

The exit code is the interface to Kubernetes: the numbers are stable, grouped by
what happened to the database, and never reused. Findings (judged bad) and errors
(could not find out, could not do) both carry a member of `ExitCode`.

    HookError
    ├── BadFlags                2  the command line
    ├── ConfigError            10  settings missing, contradictory, wrong target
    ├── BadMigrationSet        11  the files cannot be read as a migration set
    ├── DatabaseRejected       16  credentials, rights, TLS
    ├── Unsupported            17  server, pooler or feature
    ├── BackupSourceMissing    18  no such bucket, directory or stanza
    ├── MigrationFailed        20  rolled back
    ├── CallbackFailed         20  rolled back; the migrations before it stay
    ├── MigrationPartial       21  half-way, or the outcome of COMMIT is unknown
    ├── BudgetExceeded         23  a statement timeout, or damage done to others; rolled back
    │   └── DeadlineExceeded   23  the end of the whole run
    ├── DatabaseUnreachable    30  no usable primary in time
    │   └── ConnectionLost     30  one that had answered before
    ├── MigrationLocked        31  another migrator
    ├── LockContention         32  lock, deadlock, serialization retries used up
    ├── BackupUnknown          34  evidence unreadable
    ├── Interrupted            40  SIGTERM or SIGINT
    ├── ReportFailed           50  a required sink failed
    ├── QueryFailed            70  a query of ours failed and no setting explains it
    └── DemoFailed             70  an act of the demo did not end as it has to
"""

from __future__ import annotations

from enum import UNIQUE, Enum, IntEnum, verify
from typing import Self


class Effect(Enum):
    """What a run did to the database, the axis by which exit codes are grouped."""

    READY = "at the level needed"
    UNTOUCHED = "refused, database untouched"
    ROLLED_BACK = "tried: what failed is rolled back, what was applied stays"
    RETRY = "could not, trying again may help"
    HUMAN = "a human is needed"


@verify(UNIQUE)
class ExitCode(IntEnum):
    """The process's exit status, stable across releases."""

    effect: Effect
    meaning: str

    def __new__(cls, number: int, effect: Effect, meaning: str) -> Self:
        """Attach effect and meaning to the number."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.effect = effect
        member.meaning = meaning
        return member

    OK = 0, Effect.READY, "at the level that the release needs: applied now, already, or ahead"
    USAGE = 2, Effect.UNTOUCHED, "bad flags"
    CONFIG = 10, Effect.UNTOUCHED, "settings missing, contradictory, or for another database"
    BAD_SET = 11, Effect.UNTOUCHED, "migration set malformed: names, duplicates, encoding, empty"
    DRIFT = 12, Effect.UNTOUCHED, "history and files disagree: checksum, missing, out of order"
    AHEAD = 13, Effect.UNTOUCHED, "database newer than this image and PRESYNC_ON_AHEAD=fail"
    FAILED_BEFORE = 14, Effect.UNTOUCHED, "a failed migration in the history must be resolved first"
    UNSAFE = 15, Effect.UNTOUCHED, "safety rule or window, without waiver"
    AUTH = 16, Effect.UNTOUCHED, "credentials, rights or TLS refused"
    UNSUPPORTED = 17, Effect.UNTOUCHED, "server version, pooler or feature not supported"
    NO_WAY_BACK = 18, Effect.UNTOUCHED, "no usable fresh backup, or no WAL from it to now"
    SQL_FAILED = (
        20,
        Effect.ROLLED_BACK,
        "a migration or callback failed, rolled back; earlier ones stay",
    )
    PARTIAL = 21, Effect.HUMAN, "a script without transaction stopped half-way, or COMMIT unknown"
    VERIFY_FAILED = 22, Effect.ROLLED_BACK, "history or schema not as planned after the run"
    BUDGET = 23, Effect.ROLLED_BACK, "deadline or statement budget used up, rolled back"
    NOT_YET = 24, Effect.UNTOUCHED, "verify: migrations that the release needs are missing"
    UNREACHABLE = 30, Effect.RETRY, "no usable primary within the wait"
    LOCKED = 31, Effect.RETRY, "another migrator holds the lock"
    CONTENTION = 32, Effect.RETRY, "lock, deadlock or serialization retries used up"
    BLOCKED = 33, Effect.RETRY, "blockers did not clear"
    UNKNOWN_BACKUP = 34, Effect.RETRY, "backup evidence could not be read"
    INTERRUPTED = 40, Effect.RETRY, "SIGTERM or SIGINT handled, rolled back"
    REPORT = 50, Effect.RETRY, "database fine, a required report sink failed"
    BUG = 70, Effect.HUMAN, "internal error"


def describe_exit_codes() -> str:
    """Return what the exit codes say of the database, in one sentence."""
    groups = []
    for effect in Effect:
        codes = (f"{int(code)} {code.name}" for code in ExitCode if code.effect is effect)
        groups.append(f"{effect.value} ({', '.join(codes)})")
    return f"Exit codes, by what happened to the database: {'; '.join(groups)}."


class HookError(Exception):
    """Base of all errors that end a run with a code of their own.

    Subclasses take facts and compose *message*: lower case, no full stop, the
    object named. *hint* is one imperative sentence with the next step; *facts* are
    further JSON-ready fields for the report, *problems* what *message* is joined of,
    *hints* the next step for each of these, none where *hint* is that for all.
    """

    exit_code: ExitCode = ExitCode.BUG
    rule: str = "internal"
    problems: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep the composed message and hint."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts: dict[str, object] = {}


class BadFlags(HookError):
    """The command line names what is not there, or gives a flag a value that it cannot have."""

    exit_code = ExitCode.USAGE
    rule = "usage"

    def __init__(
        self, problems: tuple[str, ...], hint: str = "", hints: tuple[str, ...] = ()
    ) -> None:
        """Report all *problems* at once, each naming its flag, with *hints* for each if any."""
        super().__init__("; ".join(problems), hint)
        self.problems = problems
        self.hints = hints


class ConfigError(HookError):
    """One or more settings are missing, contradictory or name another target."""

    exit_code = ExitCode.CONFIG
    rule = "config"

    def __init__(
        self, problems: tuple[str, ...], hint: str = "", hints: tuple[str, ...] = ()
    ) -> None:
        """Report all *problems* at once, each naming its setting, with *hints* for each if any."""
        super().__init__("; ".join(problems), hint)
        self.problems = problems
        self.hints = hints


class BadMigrationSet(HookError):
    """The files of the release cannot be read as one migration set."""

    exit_code = ExitCode.BAD_SET
    rule = "bad-set"

    def __init__(self, problems: tuple[str, ...], hint: str = "") -> None:
        """Report all *problems* at once, each naming its file."""
        super().__init__("; ".join(problems), hint)
        self.problems = problems


class DatabaseRejected(HookError):
    """The server refused credentials, rights or TLS; trying again cannot help."""

    exit_code = ExitCode.AUTH
    rule = "auth"


class Unsupported(HookError):
    """The server, a pooler or a requested feature is not supported."""

    exit_code = ExitCode.UNSUPPORTED
    rule = "unsupported"


class BackupSourceMissing(HookError):
    """The storage answered, and what the settings name is not in it."""

    exit_code = ExitCode.NO_WAY_BACK
    rule = "backup-source"


class MigrationFailed(HookError):
    """A migration failed and left nothing behind."""

    exit_code = ExitCode.SQL_FAILED
    rule = "sql"


class CallbackFailed(HookError):
    """A callback failed and left nothing behind; what was applied before it stays."""

    exit_code = ExitCode.SQL_FAILED
    rule = "callback"


class MigrationPartial(HookError):
    """A migration left work that only a human can judge."""

    exit_code = ExitCode.PARTIAL
    rule = "partial"


class BudgetExceeded(HookError):
    """A statement timeout or the damage done to others ended the work, rolled back."""

    exit_code = ExitCode.BUDGET
    rule = "budget"


class DeadlineExceeded(BudgetExceeded):
    """The time of the whole run is over; like a stop request, nothing outweighs it."""


class DeadlineReached(DeadlineExceeded):
    """The same where nothing else is known, not even what was under way."""


class DatabaseUnreachable(HookError):
    """No usable primary answered in time."""

    exit_code = ExitCode.UNREACHABLE
    rule = "unreachable"


class ConnectionLost(DatabaseUnreachable):
    """A connection is gone, or of no more use, that was there before; another may be had."""


class MigrationLocked(HookError):
    """Another migrator held the migration lock for the whole wait."""

    exit_code = ExitCode.LOCKED
    rule = "locked"


class LockContention(HookError):
    """A migration lost every attempt to other sessions; each was rolled back."""

    exit_code = ExitCode.CONTENTION
    rule = "contention"


class BackupUnknown(HookError):
    """The backup evidence could not be read; that is never taken as good news."""

    exit_code = ExitCode.UNKNOWN_BACKUP
    rule = "backup-unknown"


_AFTER_STOP = "Run it again, or let the Job do so; the events of the pod tell who has stopped it."


class Interrupted(HookError):
    """SIGTERM or SIGINT arrived."""

    exit_code = ExitCode.INTERRUPTED
    rule = "interrupted"

    def __init__(self, signal_name: str, situation: str = "", hint: str = "") -> None:
        """Name the signal, and in *situation* what it interrupted and left behind."""
        message = f"{signal_name} received{situation and f' {situation}'}"
        super().__init__(message, hint or _AFTER_STOP)
        self.signal_name = signal_name
        self.situation = situation


class ReportFailed(HookError):
    """The database is fine; a report sink that was asked for is not."""

    exit_code = ExitCode.REPORT
    rule = "report"


class QueryFailed(HookError):
    """A query of presync's own failed in a way that no setting or right explains."""

    rule = "query"

    def __init__(self, message: str, hint: str, sqlstate: str) -> None:
        """Keep *sqlstate* for the caller that knows what it may mean."""
        super().__init__(message, hint)
        self.sqlstate = sqlstate


class DemoFailed(HookError):
    """A command of the demo ended with another exit code than it shows."""

    rule = "demo"

    def __init__(self, command: str, code: int, expected: ExitCode) -> None:
        """Say what *command* ended with; a negative *code* is the signal that killed it."""
        super().__init__(
            f"{command} ended with {code}, and the demo expects {int(expected)} {expected.name}",
            "Read the command's output and log above.",
        )
