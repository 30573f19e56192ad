"""The table that keeps one row for each run that set out to change the schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hook.core.execution.step_note import SessionLook, StepNote
from hook.core.reporting.ledger import Beginning, Ending
from hook.core.reporting.past_run import BegunScript, FailedScript, PastMarker, PastRun
from hook.core.sql.sql_text import qualified_name, quote_literal
from hook.errors import ConfigError, QueryFailed
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.core.backups.marker import Marker
    from hook.postgres.session import Row, Session

_PLACE = "{ledger}"
_KEY = "{key}"
_OF_SESSION = ("session_begun", "session_before", "session_after", "session_unseen")
_NO_TABLE = frozenset({"42P01", "3F000"})
_UNREADABLE = "what the ledger does not tell"
# The number of the row is taken, or others are behind it (sql_json_member_not_found).
_SET_BACK = frozenset({"23505", "2203A"})
# Two creators at once: IF NOT EXISTS looks before it locks.
_CREATED_MEANWHILE = frozenset({"42P07", "23505"})


class Ledger:
    """presync's own table *table*, next to the schema histories in *schema*."""

    def __init__(self, schema: str, table: str, history: str = "") -> None:
        """Name the table, and the *history* whose runs are meant; empty means all of them.

        Nothing is asked of the database.
        """
        self.schema = schema
        self.history = history
        self.shown = f"{schema}.{table}"
        self._name = qualified_name(schema, table)

    def begin(self, session: Session, beginning: Beginning) -> int:
        """Write the row of a run that begins, in a table that is created if need be.

        Returns:
            The key of the row.

        Raises:
            HookError: The database refused, or the connection is lost; or `read` would not
                take the row for the last one.
        """
        try:
            return self._insert(session, beginning)
        except QueryFailed as error:
            if error.sqlstate in _SET_BACK:
                raise self._set_back() from error
            if error.sqlstate not in _NO_TABLE:
                raise
        self._create(session)
        return self._insert(session, beginning)

    def find(self, session: Session, beginning: Beginning) -> int | None:
        """Return the key of the row that `begin` has written, none where it has not.

        Raises:
            HookError: The table could not be read.
        """
        values = (beginning.run_id, beginning.started_at, beginning.command)
        try:
            rows = session.fetch(self._query("ledger_find"), values)
        except QueryFailed as error:
            if error.sqlstate not in _NO_TABLE:
                raise
            return None
        return int(rows[0][0]) if rows else None

    def note(
        self, session: Session, key: int, begun: BegunScript | None, noted: Mapping[str, str]
    ) -> None:
        """Keep in the row *key*, as long as that has no end, which script is begun.

        Args:
            session: With the database.
            key: Of the row.
            begun: None as long as there is none.
            noted: See `PastRun.noted`.

        Raises:
            HookError: The database refused, or the connection is lost; or the row is not there.
        """
        if not session.fetch(self._query("ledger_note"), (self._note_of(begun, noted), key)):
            message = f"row {key} of {self.shown} is gone, or not to be changed"
            raise QueryFailed(message, "Find out who has changed the table.", "")

    def step_note(self, key: int) -> StepNote:
        """Return what says in the row *key* how far the script is that `note` has told of."""
        settings = load_query("session_settings").strip()
        held = load_query("session_held").replace("{settings}", settings).strip()

        def text_of(name: str) -> str:
            text = load_query(name).replace(_PLACE, self._name).replace(_KEY, str(key)).strip()
            return text.replace("{held}", held).replace("{settings}", settings)

        names = ("ledger_look", "ledger_correct", *_OF_SESSION)
        return StepNote(
            text_of("ledger_step"), text_of("ledger_steps"), SessionLook(*map(text_of, names))
        )

    def finish(self, session: Session, key: int, ending: Ending) -> bool:
        """Complete the row *key*; return whether it was there.

        Raises:
            HookError: The database refused, or the connection is lost.
        """
        failed = ending.failed or (None, None, None, None)
        values = (
            ending.finished_at,
            ending.verdict,
            ending.exit_code,
            ending.version_after,
            *failed,
            ending.report,
            ending.goes_on,
            key,
        )
        return bool(session.fetch(self._query("ledger_finish"), values))

    def read(self, session: Session, limit: int) -> tuple[PastRun, ...]:
        """Return the last *limit* runs, the newest first; none where there is no ledger.

        Those of which it is not told whose history they were about are among them.

        Raises:
            HookError: The table could not be read.
        """
        try:
            rows = session.fetch(self._query("ledger_read"), (self.history or None, limit))
        except QueryFailed as error:
            if error.sqlstate not in _NO_TABLE:
                raise
            return ()
        try:
            return tuple(_past_run(row) for row in rows)
        except (TypeError, ValueError, OverflowError) as error:
            message = f"{self.shown} holds what presync does not write there: {error}"
            raise QueryFailed(message, "Find out who has changed the table.", "") from error

    def refuse_hidden_rows(self, session: Session) -> None:
        """Make sure that what `read` returns is all there is.

        Raises:
            HookError: Rows may be kept from the role of *session*, by a policy or a view.
        """
        for is_table, is_partial in session.fetch(load_query("ledger_hidden"), (self._name,)):
            if is_table and not is_partial:
                continue
            who = "row-level security" if is_table else "what stands there in place of a table"
            message = f"{who} may hide rows of it from the role that migrates"
            raise QueryFailed(message, "Find out who has changed the table.", "")

    def _insert(self, session: Session, beginning: Beginning) -> int:
        actor = beginning.actor
        values = (
            beginning.command,
            beginning.run_id,
            beginning.started_at,
            beginning.set_digest,
            beginning.version_before,
            *(actor.get(name) for name in ("namespace", "pod", "job", "job_uid")),
            *_marker_values(beginning.marker),
            self._note_of(beginning.cut_off, {}),
        )
        rows = session.fetch(self._query("ledger_begin"), values)
        if not rows:
            message = f"{self.shown} has taken no row, and no error says why"
            raise QueryFailed(message, "Find out who has changed the table.", "")
        return int(rows[0][0])

    def _set_back(self) -> ConfigError:
        where = f"pg_get_serial_sequence({quote_literal(self._name)}, 'id')"
        return ConfigError(
            (f"the sequence of its id was set back, so that {self.shown} ends with another row",),
            f"SELECT setval({where}, (SELECT max(id) FROM {self._name}));",  # noqa: S608 - quoted
        )

    def _note_of(self, begun: BegunScript | None, noted: Mapping[str, str]) -> str:
        told: dict[str, object] = {"history": self.history} if self.history else {}
        told |= {} if begun is None else {"cut_off": begun.facts()}
        told |= {"noted": dict(noted)} if noted else {}
        # Without an encoding the server takes no escapes for what is beyond ASCII.
        return json.dumps(told, ensure_ascii=False)

    def _create(self, session: Session) -> None:
        try:
            session.fetch(load_query("ledger_create").replace(_PLACE, self._name))
        except QueryFailed as error:
            if error.sqlstate not in _CREATED_MEANWHILE:
                raise

    def _query(self, name: str) -> str:
        """Return a query with parameters, in which a percent sign is written twice."""
        return load_query(name).replace(_PLACE, self._name.replace("%", "%%"))


def _past_run(row: Row) -> PastRun:
    command, run_id, started, finished, verdict, code, digest, before, after, pod = row[:10]
    cut_off, noted, recorded, now = row[18:]
    return PastRun(
        command=command,
        run_id=run_id,
        started_at=datetime.fromtimestamp(started, UTC),
        finished_at=None if finished is None else datetime.fromtimestamp(finished, UTC),
        verdict=verdict,
        exit_code=code,
        set_digest=digest,
        version_before=before,
        version_after=after,
        pod=pod,
        failed=_failed_script(row[10:14]),
        age=timedelta(seconds=now - recorded),
        marker=_past_marker(*row[14:18]),
        cut_off=_begun_script(cut_off),
        noted=noted if isinstance(noted, Mapping) else {},
    )


def _begun_script(value: object) -> BegunScript | None:
    script = value.get("script") if isinstance(value, Mapping) else None
    if not isinstance(script, str) or not isinstance(value, Mapping):
        return None
    names = ("checksum", "text", "done", "held")
    checksum, text, done, held = (value.get(name) for name in names)
    return BegunScript(
        script,
        checksum if isinstance(checksum, int) else None,
        text if isinstance(text, str) else "",
        done if isinstance(done, int) else None,
        value.get("found") is True,
        value.get("tells_of_first") is True,
        tuple(map(str, held)) if isinstance(held, list) else (_UNREADABLE,) if held else (),
    )


def _marker_values(marker: Marker | None) -> tuple[object, ...]:
    if marker is None:
        return (None,) * 4
    return (marker.name, marker.lsn, marker.time, marker.timeline)


def _past_marker(
    name: str | None, lsn: str | None, epoch: float | None, timeline: int | None
) -> PastMarker | None:
    if lsn is None or epoch is None or timeline is None:
        return None
    return PastMarker(name, lsn, datetime.fromtimestamp(epoch, UTC), timeline)


def _failed_script(values: Sequence[object]) -> FailedScript | None:
    script, checksum, rank, message = values
    if not isinstance(script, str) or not isinstance(rank, int):
        return None
    return FailedScript(script, checksum if isinstance(checksum, int) else None, rank, str(message))
