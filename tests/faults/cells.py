"""The cells of the matrix: which fault strikes at which work, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from tests.faults.faults import Fault
from tests.faults.kinds import SINCE, Kind

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


# Why a combination is not there, which is written as a dot.
RULES = (
    (
        "A COMMIT, a statement timeout or a deadlock of a migration strikes only while one is"
        " migrated: presync's own reads have limits of their own, commit nothing and lock nothing."
    ),
    (
        "A full disk strikes the scripts that write rows: the table they write to is on a device"
        " that is always full."
    ),
    (
        "A run that was killed leaves the server at work, for the next one to meet, only where it"
        " has sent a script. One without transaction asks for a human in any case."
    ),
    "While the server does not answer yet there is no backend of ours to be ended.",
    "A failover strikes where it means something else than a server that is restarted.",
    (
        "Archive and marker are read as the backups are, and what drops, detaches or reindexes"
        " without locking is an index build to presync in most ways: of these rows there are the"
        " faults that might end otherwise."
    ),
)
_COLUMNS = tuple(Fault)
_CELLS = {
    # Fault:            TERM KILL NEXT AWAY ENDS RST  HOLE LOST FAST CRSH OVER LOCK DISK TIME DEAD
    Kind.WAIT:         "40A  137A  .    .    .   0D   0D    .   0D   0D   0D   30A   .    .    .",
    Kind.RESOLVE:      "40A  137A  .    .   0D   0D   0D    .   0D   0D    .    .    .    .    .",
    Kind.HISTORY:      "40A  137A  .    .   0D   0D   0D    .   0D   0D   0D   23A   .    .    .",
    Kind.SCRIPTS:      "40A  137A  .    .   30A  30A  30A   .   30A  30A   .    .    .    .    .",
    Kind.SYNTAX:       "40A  137A  .    .   30A  30A  30A   .   30A  30A   .    .    .    .    .",
    Kind.LOCK:         "40A  137A  .    .   30A  30A  30A   .   30A  30A  30A  31A   .    .    .",
    Kind.BLOCKERS:     "40A  137A  .    .   30A  30A  30A   .   30A  30A  30A  33A   .    .    .",
    Kind.BACKUP:       "40A  137A  .    .   30A  30A  30A   .   30A  30A   .    .    .    .    .",
    Kind.ARCHIVE:      "40A   .    .    .    .    .    .    .    .   30A   .    .    .    .    .",
    Kind.MARKER:       "40A  137A  .    .   30A   .    .    .    .    .    .    .    .    .    .",
    Kind.KEPT:         "40A  137A  .    .    .    .    .    .    .   30A   .   18A   .    .    .",
    Kind.LEDGER:       "40A  137A  .    .   0D   0D   30A   .   30A  30A   .    .    .    .    .",
    Kind.DDL:          "40A  137E 0D    .   0D   0D   0D   0D   0D   0D   31A  32A   .   23A  0D",
    Kind.MULTI:        "40A  137E 0D    .   0D   0D   0D   0D   0D   0D    .   32A  20A  23A  0D",
    Kind.LONG:         "40A  137A 0D    .   0D   0D   0D   0D   0D   0D    .   32A  20A  23A  0D",
    Kind.COPY:         "40A  137E 0D    .   0D   0D   0D   0D   0D   0D    .   32A  20A  23A  0D",
    Kind.CONCURRENTLY: "40M  137M 0D   137M 0D   0D   0D   0D   0D   0D   31M  23M   .   23M  0D",
    Kind.DROP:         "40M  137M 0D    .    .    .    .   0D    .   0D    .    .    .    .    .",
    Kind.DETACH:       "40M  137M  .    .    .    .    .   0D    .   0D    .    .    .    .    .",
    Kind.REINDEX:      "40M  137M  .    .    .    .    .    .    .   0D    .    .    .    .    .",
    Kind.ALONE:        "40R  137R  .   137R 21R  21R  21R  21R  21R  21R  21R  21R  21R  21R  0D",
    Kind.GROUP:        "40A  137A 0D    .   0D   0D   0D   0D   0D   0D   31A  32A  20A  23A  0D",
    Kind.REPEATABLE:   "40A  137E 0D    .   0D   0D   0D   0D   0D   0D    .   32A  20A  23A  0D",
    Kind.VERIFY:       "40D  137D  .    .   30D  30D  30D   .   30D  30D  30D  23D   .    .    .",
}  # fmt: skip


def _cells() -> Iterator[Cell]:
    for kind, line in _CELLS.items():
        for fault, text in zip(_COLUMNS, line.split(), strict=True):
            if text != ".":
                yield Cell(kind, fault, int(text[:-1]), Next(text[-1]))


CELLS = tuple(_cells())
PLAYED = tuple(
    (major, cell) for major in VERSIONS for cell in CELLS if major >= SINCE.get(cell.kind, 0)
)
