"""Writes docs/faults.md from the cells.

python -m tests.faults.page
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.faults.cells import (
    ABSENT,
    CELLS,
    REASONS,
    STAGES_WITHOUT_ROW,
    TOLD,
    VERSIONS,
    Next,
)
from tests.faults.faults import Fault
from tests.faults.kinds import Kind

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"

_HEAD = """\
# When something dies

This page is written by `python -m tests.faults.page` from the cells in `tests/faults/cells.py`;
change those instead. `make interop` plays each of the {count} cells on PostgreSQL {versions}
as far as the statement is there, and on 15 alone what has nothing to do with PostgreSQL: a run
is held in the middle of its work, the fault strikes, and then

- the exit code is that of the cell, and what the verdict claims of the database is true;
- the history says exactly what the schema is, by a comparison of all definitions and rows with
  those before and those of a run that nothing happens to; no migration was applied twice;
- no lock is left, and no session of which the server can know that nobody has it any more;
- what the cell says is done next leads to the schema and the history of an undisturbed run.

The runs of one row on one server are started like any program, all others are forked from a process
that has presync loaded: processes as well, for a tenth of the price.

Each cell has the [exit code](exit-codes.md) and what follows; 137 is what a container runtime
tells of a kill.

| | what follows |
| --- | --- |
"""

_FAULTS = """\

- **next run at once**: the server still works at the script of the run that was killed. The next
  one waits for it; the cell is how that one ends.
- **SIGKILL and failover**: the run is killed, then its server crashes and a standby is promoted,
  which has the run's row in the ledger; the next run finds that one without an end.
- **backend terminated**: `pg_terminate_backend()` of the session at work, by an administrator.
- **connection reset**: an RST on the connection at work; the one with the lock stays.
- **black hole**: no packet gets through on any connection there is, and nobody is told; new
  connections work. Keepalives notice it, and the user timeout of TCP where something was under
  way, here after seconds instead of a minute, at both ends: the server gives the lock back without
  help.
- **COMMIT reply lost**: the server has done it and its answer does not arrive. Without a
  transaction it is the answer to a statement.
- **server restart**: all connections are lost, that of the lock included. A run connects again,
  takes the lock once more if it had it, and goes on if nobody has migrated meanwhile; else it ends
  with 31. One that verifies what it has applied needs no lock.
- **failover**: the primary crashes, its standby is promoted, the address leads to it. What was
  committed may be missing there, and what the gates have found is true of the old one: a run that
  has the lock ends with 31. One that has not, or verifies what it has applied, goes on there, and
  says so.
- **disk full**: the device says `No space left on device`, where a table lies that the script
  writes to, or the index that it builds.
- **lock never released**: whatever keeps the run waiting goes on to. A storage that does not answer
  to the report is asked three times, for ten seconds each; a stop request ends that 18 seconds
  later at the latest, with the same 50.
- **deadlock**: with a session that waits for what the migration has locked; the migration is the
  one that the server chooses to fail.

## Not there

A letter instead of a cell says why there is none.

| | why the fault cannot strike there |
| --- | --- |
"""

_TRIGGERS = """
The backup trigger has a row for a Job alone. A `Backup` of CloudNativePG and a snapshot of RDS are
begun, asked for and waited for by the same loop, which asks another API; that a stop leaves them to
go on, and that the next run takes them up, is tested with both
(`tests/e2e/test_stopped_trigger.py`); faults of connection and server are not played there.
"""

_INDEXES = """
## An index that was cut off

`CREATE INDEX CONCURRENTLY`, `REINDEX … CONCURRENTLY` and `DROP INDEX CONCURRENTLY` run in no
transaction. A stop request, a time limit, a lock, a lost connection or a full disk that ends one
of them leaves an invalid index. presync drops what was being built, unless somebody is in the way
of that for a few seconds. What stays is told in the verdict, `left behind: invalid index public.i
on t (the next run mends that)`, and no failed row is written: the next run of the same release
finds the index in the catalog, drops it and goes on, as it does after a kill. So it does where
everything in front of it in the script may run again: further such indexes, `VACUUM`, `ANALYZE`.

- No rung of `PRESYNC_LOCK_LADDER` ends their waiting, as nobody need queue behind them as a rule.
  With `PRESYNC_DAMAGE_BUDGET=off` nothing but `PRESYNC_STATEMENT_TIMEOUT` and `PRESYNC_DEADLINE`
  does, whoever waits; so it is with a partitioned table, of which one part is built after another.
- No query uses an invalid index; writes may have to maintain it, and a unique one may refuse rows.
- Flyway leaves the same after a kill, and fails over the name of the index then. Before going
  back to Flyway in that state, `DROP INDEX CONCURRENTLY` it.
- `REINDEX … CONCURRENTLY` of a table builds the index of its TOAST table anew as well, where its
  long values lie, and may leave that one: `pg_toast.pg_toast_16397_index_ccnew on the TOAST table
  of t`. Only a superuser or a role with `USAGE` on schema `pg_toast` may drop it. Anybody else is
  told so, and the next run passes it by, as the server does; a run that leaves one and then
  finishes the script all the same ends with 22.
- A script that has done something else too is gone on with behind that, where [the
  ledger](ledger.md#how-far-a-script-without-transaction-is) says how far it is, and is a case for a
  human where it does not: a failed row, and 14 the next time. So is one that failed by its own
  fault, two equal rows under a unique index for example, if its index could not be dropped.
- `ALTER TABLE … DETACH PARTITION … CONCURRENTLY` that is cut off behind its first half leaves the
  partition pending: new queries of the table do not see it. The next run finishes that; Flyway's
  is refused, until somebody has done it by hand with `FINALIZE`.
- `DROP INDEX CONCURRENTLY` whose connection is lost may have dropped the index or not, and so
  with `DETACH`; after a kill the server may work on for nobody. Both are run again. What is there
  no more counts as done where the run itself, or the ledger, knows of an attempt that was cut off,
  and the log says so; anywhere else it is the error that it is with Flyway. That needs a script
  with nothing in it that must not run twice, and the ledger.
"""


def faults_page() -> str:
    """Return the text of the page."""
    versions = ", ".join(str(major) for major in VERSIONS)
    return "".join(
        (
            _HEAD.format(count=len(CELLS), versions=versions),
            *(f"| {_word(each)} | {TOLD[each]} |\n" for each in Next),
            "\n",
            *_table(),
            _FAULTS,
            *(f"| {letter} | {reason} |\n" for letter, reason in REASONS.items()),
            "\nStages without a row:\n\n",
            *(f"- `{stage}`: {why}.\n" for stage, why in STAGES_WITHOUT_ROW.items()),
            _TRIGGERS,
            _INDEXES,
        )
    )


def _table() -> Iterator[str]:
    yield f"| | {' | '.join(fault.value for fault in Fault)} |\n"
    yield "| --- |" + " --- |" * len(Fault) + "\n"
    told = {(cell.kind, cell.fault): f"{cell.code} {_word(cell.next)}" for cell in CELLS}
    for kind in Kind:
        cells = (told.get((kind, fault)) or ABSENT[kind, fault] for fault in Fault)
        yield f"| {kind.value} | {' | '.join(cells)} |\n"


def _word(following: Next) -> str:
    return following.name.lower()


if __name__ == "__main__":
    PAGE.write_text(faults_page(), encoding="utf-8")
