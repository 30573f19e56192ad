"""Reads and creates Flyway's history table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hook.core.schema_history.baseline import BaselineRules, with_baseline
from hook.core.schema_history.history import History, HistoryRow
from hook.core.sql.sql_text import qualified_name, quote_identifier, quote_literal
from hook.engines import Reader, Writer
from hook.engines.flyway.history_row import (
    NewRow,
    render_insert,
    row_of_created_schemas,
    row_of_marker,
)
from hook.engines.flyway.queries import load_query
from hook.errors import ConfigError, DatabaseRejected, QueryFailed
from hook.settings.migrations import HistoryTable

if TYPE_CHECKING:
    from hook.core.sessions.server import ServerFacts

_NO_TABLE = frozenset({"42P01", "3F000"})
# Undefined column, not a relation with columns, no operator or cast for the type of a
# column, a value that is no number, date or boolean, a number out of range.
_OTHER_COLUMNS = frozenset({"42703", "42809", "42883", "42846", "22P02", "22007", "22008", "22003"})
# Creating what somebody else has just created: duplicate table, duplicate schema, and the
# unique index of a system catalog when both were at it at the same time.
CREATED_MEANWHILE = frozenset({"42P07", "42P06", "23505"})
_TABLE, _NO_INSERT = "r", "no insert"
_GUARDED = "row security"
_KINDS = {
    "v": "is a view, not a table",
    "m": "is a materialized view, not a table",
    "p": "is a partitioned table, not a table",
    _GUARDED: "may hide rows from the migrating role, or refuse them, by row-level security",
}


class HistoryPlace(NamedTuple):
    """Where the schema history of an application is, and whose schemas it speaks for.

    Attributes:
        schemas: Of the application, the history's own first.
    """

    schema: str
    table: str
    schemas: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the table as SQL text."""
        return qualified_name(self.schema, self.table)


def place_of(settings: HistoryTable, server: ServerFacts) -> HistoryPlace:
    """Return where the schema history is: by *settings*, else by the session's search path.

    Raises:
        ConfigError: Neither names one schema.
    """
    schema = settings.default_schema or next(iter(settings.schemas), None)
    schema = schema or server.schema or _only_schema(server.search_path)
    # Schemas are created, and listed in the history, in the order of the setting.
    added = () if schema in settings.schemas else (schema,)
    return HistoryPlace(schema, settings.table, tuple(dict.fromkeys((*added, *settings.schemas))))


# The latter is what the server makes of an empty path.
_NO_SCHEMAS = frozenset({'"$user"', '""'})


def _only_schema(search_path: str) -> str:
    """Return the schema of a search path in which no schema exists yet."""
    names = [name.strip() for name in search_path.split(",") if name.strip()]
    if len(names) != 1 or names[0] in _NO_SCHEMAS:
        raise ConfigError(
            (f"FLYWAY_DEFAULT_SCHEMA is not set, and search_path {search_path!r} names no schema",),
            "Set FLYWAY_DEFAULT_SCHEMA to the schema of the application.",
        )
    return names[0].removeprefix('"').removesuffix('"').replace('""', '"')


def read_history(session: Reader, place: HistoryPlace, settings: HistoryTable) -> History:
    """Return the history, in one round trip when the table is there.

    Raises:
        ConfigError: Something else stands under its name.
        DatabaseRejected: The role may not read it.
        HookError: The query failed.
    """
    try:
        return _read_history(session, place, settings)
    except DatabaseRejected as error:
        hint = f"Grant the role USAGE on schema {place.schema} and SELECT on {place.name}."
        raise DatabaseRejected(error.message, hint) from error


def _read_history(session: Reader, place: HistoryPlace, settings: HistoryTable) -> History:
    schemas = _array(place.schemas)
    texts = {"schemas": schemas, "history": place.name, "relation": quote_literal(place.name)}
    query = load_query("read_history", texts)
    try:
        found = session.fetch(query)
    except QueryFailed as error:
        if error.sqlstate in _OTHER_COLUMNS:
            raise _not_a_history(place, "has not the columns of a schema history") from error
        if error.sqlstate not in _NO_TABLE:
            raise
        survey = _survey(session, place, settings)
        if not survey.exists:
            return survey
        # Another run has just created it: what the schema holds is that run's work, and
        # nothing to be adopted.
        found = session.fetch(query)
    kind, missing, *_ = found[0]
    if kind not in {_TABLE, _NO_INSERT}:
        raise _not_a_history(place, _KINDS.get(kind, "is not a table"))
    rows = tuple(HistoryRow._make(row[2:]) for row in found if row[2] is not None)
    lacks_rights = kind == _NO_INSERT
    history = History(place.schema, place.table, exists=True, rows=rows, lacks_rights=lacks_rights)
    if not missing:
        return history
    survey = _survey(session, place, settings)
    return history._replace(
        missing_schemas=survey.missing_schemas,
        lacks_rights=lacks_rights or survey.lacks_rights,
    )


def _survey(session: Reader, place: HistoryPlace, settings: HistoryTable) -> History:
    """Return whether the history is there, and what is in its place."""
    texts = {
        "schemas": _array(place.schemas),
        "ledger": quote_literal(settings.ledger),
        "relation": quote_literal(place.name),
    }
    found = session.fetch(load_query("survey_schemas", texts))
    missing = tuple(name for name in place.schemas if ("missing", name) in found)
    return History(
        place.schema,
        place.table,
        exists=any(kind == "history" for kind, _ in found),
        missing_schemas=missing,
        existing_objects=tuple(name for kind, name in found if kind == "object"),
        lacks_rights=any(("barred", name) in found for name in (place.schema, *missing)),
    )


def _array(names: Sequence[str]) -> str:
    return f"ARRAY[{', '.join(quote_literal(name) for name in names)}]::pg_catalog.text[]"


def _not_a_history(place: HistoryPlace, reason: str) -> ConfigError:
    hint = "Name the schema history in FLYWAY_TABLE and FLYWAY_DEFAULT_SCHEMA, or another name."
    if reason == _KINDS[_GUARDED]:
        hint = f"ALTER TABLE {place.name} DISABLE ROW LEVEL SECURITY, or give the role BYPASSRLS."
    return ConfigError((f"FLYWAY_TABLE: {place.name} {reason}",), hint)


def create_history(
    session: Writer,
    history: History,
    settings: HistoryTable,
    baseline: BaselineRules,
    installed_by: str,
) -> QueryFailed | None:
    """Create what *history* says is missing, schemas and table, in one transaction.

    Returns:
        What the server said when there is something of that name already. If somebody else
        has just created it, that is no failure: read the history again.

    Raises:
        ConfigError: Something in the database is against it; nothing is changed.
        HookError: The database refused.
    """
    starting = with_baseline(history, baseline)
    try:
        # One message is one transaction: PostgreSQL manual, "Multiple Statements in a
        # Simple Query".
        session.execute(";\n".join(creation_statements(starting, settings, installed_by)))
    except DatabaseRejected as error:
        message = f"{history.schema}.{history.table} cannot be created: {error.message}"
        raise DatabaseRejected(message, _hint_of_rights(starting, settings)) from error
    except QueryFailed as error:
        if error.sqlstate not in CREATED_MEANWHILE:
            raise ConfigError(
                (f"{history.schema}.{history.table} cannot be created: {error.message}",),
                "Find what forbids it, such as an event trigger, and make an exception.",
            ) from error
        return error
    return None


def name_taken(created: str, refused: QueryFailed) -> ConfigError:
    """Return the error of what is not *created* because its name, or an index's, is taken."""
    return ConfigError(
        (f"{created} cannot be created: {refused.message}",),
        "Rename what is there, or choose another FLYWAY_TABLE, at most 61 bytes long:"
        " the index names _pk and _s_idx are made from it.",
    )


def _hint_of_rights(starting: History, settings: HistoryTable) -> str:
    created = starting.missing_schemas if settings.creates_schemas else ()
    places = [] if starting.schema in created else [f"schema {starting.schema}"]
    places += [f"the database, for schema {', '.join(created)}"] if created else []
    return f"Grant CREATE on {' and on '.join(places)} to the role that migrates."


def creation_statements(
    starting: History, settings: HistoryTable, installed_by: str
) -> Iterator[str]:
    """Yield what creates the schemas and the table that *starting* lacks, with its rows."""
    name = qualified_name(starting.schema, starting.table)
    created = starting.missing_schemas if settings.creates_schemas else ()
    for schema in created:
        yield f"CREATE SCHEMA {quote_identifier(schema)}"
    if not starting.exists:
        rows = [row_of_marker(row)._replace(installed_by=installed_by) for row in starting.rows]
        yield from _table_statements(name, starting.table, settings.tablespace, rows)
    if created:
        row = row_of_created_schemas(created, _marker_rank(starting), installed_by)
        yield render_insert(name, row)


def rank_after_creation(starting: History, settings: HistoryTable) -> int:
    """Return the rank of the row behind those that `creation_statements` writes."""
    writes_marker = settings.creates_schemas and starting.missing_schemas
    return _marker_rank(starting) + 1 if writes_marker else starting.next_rank


def _marker_rank(starting: History) -> int:
    return starting.next_rank if starting.rows else 0


def _table_statements(
    name: str, table: str, tablespace: str | None, rows: Sequence[NewRow]
) -> Iterator[str]:
    """Yield Flyway's statements in Flyway's order; *rows* are there from the start."""
    suffix = f" TABLESPACE {quote_identifier(tablespace)}" if tablespace else ""
    using = f" USING INDEX{suffix}" if suffix else ""
    key, index = quote_identifier(f"{table}_pk"), quote_identifier(f"{table}_s_idx")
    yield load_query("create_history", {"history": name, "tablespace": suffix})
    for row in rows:
        yield render_insert(name, row)
    yield f'ALTER TABLE {name} ADD CONSTRAINT {key} PRIMARY KEY ("installed_rank"){using}'
    yield f'CREATE INDEX {index} ON {name} ("success"){suffix}'
