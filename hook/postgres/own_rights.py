"""Read what the role may do with presync's own tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hook.core.schema_history.own_rights import OwnRights
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.postgres.session import Session


class OwnTables(NamedTuple):
    """What is asked about.

    Attributes:
        schema: Of the schema history and the ledger.
        history: Quoted name of the schema history.
        columns: Of the history, those that a run writes.
        ledger: Quoted name of the ledger.
    """

    schema: str
    history: str
    columns: tuple[str, ...]
    ledger: str


def fetch_own_rights(session: Session, tables: OwnTables) -> OwnRights:
    """Return what the role of *session* may do with *tables*, in one round trip.

    Raises:
        HookError: As `Session.fetch` says.
    """
    query, names = load_query("own_rights"), list(tables.columns)
    parameters = (tables.schema, tables.history, names, tables.ledger)
    ((creates_schemas, creates_tables, records, missing),) = session.fetch(query, parameters)
    ledger_lacks = None if missing is None else tuple(missing)
    return OwnRights(creates_schemas, creates_tables, records, ledger_lacks)
