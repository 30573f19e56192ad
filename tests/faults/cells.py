"""The cells of the matrix: which fault strikes at which work, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from tests.faults.faults import Fault
from tests.faults.kinds import ON_ONE, SINCE, Kind

VERSIONS = (13, 15, 18)


class Next(Enum):
    """What is done next, as the page tells it.

    The letters are those of the table below.
    """

    DONE = "D"
    AGAIN = "A"
    EITHER = "E"
    MEND = "M"
    REPAIR = "R"
    RETRY = "T"
    CALLBACK = "C"
    ONWARD = "O"


TOLD = {
    Next.DONE: "it is applied; the next run has nothing to do",
    Next.AGAIN: "nothing of it is left; the next run applies it",
    Next.EITHER: "the server may finish it for nobody, as a whole; the next run applies it if not",
    Next.MEND: (
        "an invalid index or a pending partition may be left; the next run replaces, keeps or"
        " finishes it"
    ),
    Next.REPAIR: (
        "the next run ends with 14; bring the objects back to the state before,"
        " then `presync repair --yes` and `presync run --retry-failed`"
    ),
    Next.RETRY: "the next run ends with 14, as before; `presync run --retry-failed` applies it",
    Next.CALLBACK: "the callback may have run; the next run runs it again and applies the rest",
    Next.ONWARD: "a part of it is there, and noted; the next run goes on behind that",
}


class Cell(NamedTuple):
    """One combination, and how it has to end.

    Attributes:
        code: Exit status of the process; that of a kill is told as by a container runtime.
    """

    kind: Kind
    fault: Fault
    code: int
    next: Next

    @property
    def name(self) -> str:
        """Return the name of the test."""
        return f"{self.kind.name}-{self.fault.name}".lower().replace("_", "-")


# Why a combination is not there, by the letter that is written behind a dot.
REASONS = {
    "a": "It only asks: a reply that is lost is a connection that is reset.",
    "b": "`PRESYNC_STATEMENT_TIMEOUT` is for what the release brings.",
    "c": "It holds nothing that somebody else could wait for while it waits itself.",
    "d": "It writes no rows, or one that fits into a page that is there.",
    "e": "When the process is gone the server has nothing to work on for it.",
    "f": "The run has no row in the ledger yet: nobody finds out on the standby that it was.",
    "g": "There is no backend of ours yet.",
    "h": (
        "It waits for no lock of the server's. What hangs on the machine is left at the deadline:"
        " see 23 and 50 in [exit-codes.md](exit-codes.md)."
    ),
    "i": "No connection to the server is left.",
    "j": "A server that is stopped in order waits itself until its WAL is archived.",
    "k": (
        "WAL that was not archived is lost with the primary: there is no way back to a moment"
        " behind that, and every run ends with 18 until there is a new backup."
    ),
    "l": "It writes to no disk: what a storage refuses, for whatever reason, ends with 50.",
}
# What the run has no row of, and why.
STAGES_WITHOUT_ROW = {
    "settings": "read from environment and files, before there is a connection",
    "gates": "they are put together again behind callbacks or a backup, and nothing is asked",
    "override": "its end is compared with the clock, and nothing is asked",
    "plan": "of `presync plan`, which changes nothing",
    "sql": "of `presync plan --sql`, likewise",
    "validate": "of `presync validate`, likewise",
    "runs": "of `presync info --runs`, likewise",
}
_COLUMNS = tuple(Fault)
_CELLS = {
    # Fault:            TERM KILL NEXT AWAY ENDS RST  HOLE LOST FAST CRSH OVER LOCK DISK TIME DEAD
    Kind.WAIT:         "40A  137A .e   .f   .g   0D   0D   .a   0D   0D   0D   30A  .d   .b   .c",
    Kind.RESOLVE:      "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   0D   .h   .d   .b   .c",
    Kind.HISTORY:      "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   0D   23A  .d   .b   .c",
    Kind.SCRIPTS:      "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   0D   .h   .d   .b   .c",
    Kind.CALLBACKS:    "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   0D   .h   .d   .b   .c",
    Kind.SYNTAX:       "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   0D   .h   .d   .b   .c",
    Kind.LOCK:         "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   0D   31A  .d   .b   .c",
    Kind.MEMORY:       "40T  137T .e   .f   14T  14T  14T  .a   14T  14T  31T  23T  .d   .b   .c",
    Kind.RIGHTS:       "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   31A  .h   .d   .b   .c",
    Kind.BLOCKERS:     "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   31A  33A  .d   .b   .c",
    Kind.BACKUP:       "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   31A  34A  .d   .b   .c",
    Kind.ARCHIVE:      "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   31A  34A  .d   .b   .c",
    Kind.TRIGGER:      "40A  137A .e   .f   0D   0D   0D   .a   0D   0D   31A  18A  .d   .b   .c",
    Kind.MARKER:       "40A  137A .e   .f   0D   0D   0D   0D   0D   0D   31A  .h   .d   .b   .c",
    Kind.KEPT:         "40A  137A .e   .f   0D   0D   0D   .a   .j   0D   .k   18A  .d   .b   .c",
    Kind.LEDGER:       "40A  137A .e   .f   0D   0D   0D   0D   0D   0D   31A  0D   .d   .b   .c",
    Kind.BEFORE:       "40A  137C 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  20C  23A  0D",
    Kind.DDL:          "40A  137E 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  .d   23A  0D",
    Kind.MULTI:        "40A  137E 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  20A  23A  0D",
    Kind.DML:          "40A  137E 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  20A  23A  0D",
    Kind.ENUM:         "40A  137E 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  .d   23A  .c",
    Kind.LONG:         "40A  137A 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  20A  23A  0D",
    Kind.COPY:         "40A  137E 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  20A  23A  0D",
    Kind.CONCURRENTLY: "40M  137M 0D   137M 0D   0D   0D   0D   0D   0D   31M  23M  20M  23M  0D",
    Kind.DROP:         "40M  137M 0D   137M 0D   0D   0D   0D   0D   0D   31M  23M  .d   23M  0D",
    Kind.DETACH:       "40M  137M 0D   137M 0D   0D   0D   0D   0D   0D   31M  23M  .d   23M  .c",
    Kind.REINDEX:      "40M  137M 0D   137M 0D   0D   0D   0D   0D   0D   31M  23M  20M  23M  0D",
    Kind.REBUILD:      "40M  137M 0D   137M 0D   0D   0D   0D   0D   0D   31M  23M  20M  23M  0D",
    Kind.TOAST:        "40M  137M 0D   137M 0D   0D   0D   0D   0D   0D   31M  23M  20M  23M  0D",
    Kind.VACUUM:       "40M  137M 0D   137M 0D   0D   0D   0D   0D   0D   31M  32M  .d   23M  .c",
    Kind.ALONE:        "40O  137O 0D   137O 0D   0D   0D   0D   0D   0D   31O  32O  20O  23O  0D",
    Kind.TEMPORARY:    "40R  137R 14R  137R 21R  21R  21R  21R  21R  21R  21R  21R  21R  21R  0D",
    Kind.COMMITS:      "40R  137R 14R  137R 21R  21R  21R  21R  21R  21R  21R  21R  21R  21R  21R",
    Kind.NOTED:        "40O  137O 0D   137O 0D   0D   0D   0D   0D   0D   31O  32O  20O  23O  0D",
    Kind.MIXED:        "40O  137O 0D   137O 0D   0D   0D   0D   0D   0D   31O  32O  20O  23O  0D",
    Kind.GROUP:        "40A  137A 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  20A  23A  0D",
    Kind.REPEATABLE:   "40A  137E 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  20A  23A  0D",
    Kind.EACH:         "40A  137A 0D   137A 0D   0D   0D   0D   0D   0D   31A  32A  20A  23A  0D",
    Kind.AFTER:        "40D  137D .e   137D 0D   0D   0D   0D   0D   0D   31D  32D  .d   23D  0D",
    Kind.VERIFY:       "40D  137D .e   137D 0D   0D   0D   .a   0D   0D   0D   23D  .d   .b   .c",
    Kind.REPORT:       "0D   137D .e   .i   .i   .i   .i   .i   .i   .i   .i   .h   50D  .i   .i",
    Kind.UPLOAD:       "50D  137D .e   .i   .i   .i   .i   .i   .i   .i   .i   50D  .l   .i   .i",
}  # fmt: skip


def _written() -> Iterator[tuple[Kind, Fault, str]]:
    for kind, line in _CELLS.items():
        for fault, text in zip(_COLUMNS, line.split(), strict=True):
            yield kind, fault, text


CELLS = tuple(
    Cell(kind, fault, int(text[:-1]), Next(text[-1]))
    for kind, fault, text in _written()
    if text[0] != "."
)
# The letter of the reason.
ABSENT = {(kind, fault): text[1] for kind, fault, text in _written() if text[0] == "."}
PLAYED = tuple(
    (major, cell)
    for major in VERSIONS
    for cell in CELLS
    if major >= SINCE.get(cell.kind, 0) and major == ON_ONE.get(cell.kind, major)
)
