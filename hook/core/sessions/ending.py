"""Which sessions in the way may be ended, where somebody has asked for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from enum import Enum

from hook.core.sessions.activity import ActivityRow
from hook.core.sessions.census import Census, Party

_CLIENT = "client backend"
# A transaction between two statements is no idler yet.
PATIENCE = timedelta(seconds=5)


class Endable(Enum):
    """A kind of session in the way that may be ended; the value is the setting's word."""

    IDLE = "idle-in-transaction"
    QUERY = "query"
    AUTOVACUUM = "autovacuum"


# A session that does nothing does not hear a cancel.
TERMINATED = frozenset({Endable.IDLE})


def kind_of(row: ActivityRow) -> Endable | None:
    """Return what *row* is, none for what nobody may end.

    Those are replication, vacuums that prevent wraparound, prepared transactions, and
    whatever cannot be seen.
    """
    if row.is_autovacuum:
        is_known = row.backend_type is not None and not row.prevents_wraparound
        return Endable.AUTOVACUUM if is_known else None
    if row.backend_type != _CLIENT:
        return None
    if row.is_idle_in_transaction:
        return Endable.IDLE
    return Endable.QUERY if row.state == "active" else None


def how_ended(kind: Endable) -> str:
    """Return what is done to a session of *kind*."""
    return "session ended" if kind in TERMINATED else "query cancelled"


def right_for(kind: Endable) -> str:
    """Return what a role that may not end *kind* needs."""
    if kind is Endable.AUTOVACUUM:
        return (
            "Grant pg_signal_autovacuum_worker to the role that migrates; before PostgreSQL 18"
            " only a superuser may cancel autovacuum."
        )
    return "Grant pg_signal_backend to the role that migrates."


def choose_endable(
    census: Census, kinds: Collection[Endable], patience: timedelta = PATIENCE
) -> Iterable[tuple[Party, Endable]]:
    """Yield those that have been in the way for *patience*, are of *kinds* and wait for nobody.

    Never a superuser's.
    """
    for party in census.blockers:
        kind, age = kind_of(party.row), party.row.state_age
        is_patient = age is not None and age >= patience
        is_fair_game = is_patient and party.is_root and not party.is_superuser
        if kind is not None and kind in kinds and is_fair_game:
            yield party, kind
