"""What the statements of a script without transaction leave in the database."""

from __future__ import annotations

from itertools import islice

from hook.core.sql.index_build import read_drop, read_index_build
from hook.core.sql.invalid_index import BuildScope
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.sql.transaction_refusals import refusing_command

_CHANGES_NOTHING = frozenset(
    {
        "ABORT", "BEGIN", "COMMIT", "DISCARD", "END", "RELEASE", "RESET", "ROLLBACK", "SAVEPOINT",
        "SET", "SHOW", "START",
    }
)  # fmt: skip
# To do it once more is only work: nothing is there twice.
_ONLY_WORK = frozenset({"ANALYZE", "CHECKPOINT", "CLUSTER", "REINDEX", "VACUUM"})
_MAY_COMMIT = frozenset({"CALL", "DO"})
_DROP_IF_THERE = ("DROP", "INDEX", "CONCURRENTLY", "IF", "EXISTS")
_DETACH = "DETACH PARTITION CONCURRENTLY"


def settled_line(statements: StatementList, done: int) -> int:
    """Return the last line of the first *done* statements, 0 when they changed nothing."""
    if all(map(changes_nothing, islice(statements, done))):
        return 0
    return statements[done - 1].end_line


def may_stop_halfway(statement: Statement) -> bool:
    """Tell whether *statement* may have changed something although it failed.

    CALL and DO may commit on their way. DETACH PARTITION CONCURRENTLY commits once in
    between and leaves the partition pending. What a failed CREATE INDEX CONCURRENTLY and
    its kin leave is an invalid index, which can be seen.
    """
    return statement.head in _MAY_COMMIT or refusing_command(statement) == _DETACH


def may_run_again(statement: Statement) -> bool:
    """Tell whether *statement* may be run again where nobody knows if it has been.

    An index that is built without locking the table is looked for before, by its name: one
    that the server is to name would be there twice.
    """
    if is_only_work(statement) or changes_nothing(statement):
        return True
    if statement.words(len(_DROP_IF_THERE)) == _DROP_IF_THERE:
        return True
    build = read_index_build(statement)
    return build is not None and build.scope is not BuildScope.ON_TABLE


def is_only_work(statement: Statement) -> bool:
    """Tell whether *statement* leaves what is stored as it is, however often it is run."""
    return statement.head in _ONLY_WORK


def may_be_resumed(statement: Statement) -> bool:
    """Tell whether *statement* may be run again after an attempt that was cut off in it.

    To drop an index and to detach a partition without locking is refused where it is done
    already; who knows of that attempt takes this answer for what it was to bring about.
    """
    is_known_when_done = bool(read_drop(statement)) or refusing_command(statement) == _DETACH
    return is_known_when_done or may_run_again(statement)


def lets_others_pass(statement: Statement) -> bool:
    """Tell whether nobody has to queue behind *statement* while it waits for its locks.

    CREATE INDEX CONCURRENTLY and its kin also wait for old snapshots under
    ``lock_timeout``, and giving up there leaves an invalid index.
    """
    return refusing_command(statement).endswith("CONCURRENTLY")


def changes_nothing(statement: Statement) -> bool:
    """Tell whether *statement* is of the session alone, unlike ``COMMIT PREPARED``."""
    return statement.head in _CHANGES_NOTHING and statement.words(2)[1:] != ("PREPARED",)
