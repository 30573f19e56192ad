"""Who said that a session is over: its backend, or a pooler that may have left that at work."""

from __future__ import annotations

import contextlib

import psycopg
import pytest

from hook.core.execution.sqlstate import ends_session
from hook.postgres.link import message_of
from tests.testbed.database import Database
from tests.testbed.pgbouncer import running_pgbouncer
from tests.testbed.run_context import eventually

AT_WORK = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def test_pooler_that_gives_up_a_client_does_not_speak_for_the_backend(database: Database) -> None:
    """Its FATAL is an error of its own, in the words of no function of the server."""
    pool = {"pool_mode": "session", "query_timeout": "1"}
    with running_pgbouncer(database.server, **pool) as port:
        with (
            contextlib.closing(psycopg.connect(database.conninfo, port=port)) as client,
            pytest.raises(psycopg.Error, match="query timeout") as error,
        ):
            client.execute("SELECT pg_sleep(600)")
        words = message_of(error.value.diag)
        assert (words.severity, words.function) == ("FATAL", "")
        assert not ends_session(words)


def test_backend_speaks_for_itself_through_a_pooler(database: Database) -> None:
    """What an administrator ended is over, and the pooler passes that on as it came."""
    with (
        running_pgbouncer(database.server, pool_mode="session") as port,
        database.connect() as admin,
        contextlib.closing(psycopg.connect(database.conninfo, port=port)) as client,
    ):
        pid = client.execute("SELECT pg_backend_pid()").fetchone()
        client.pgconn.send_query(b"SELECT pg_sleep(600)")
        eventually(lambda: admin.execute(AT_WORK).fetchone() == pid)
        admin.execute("SELECT pg_terminate_backend(%s)", pid)
        result = client.pgconn.get_result()
        assert result is not None
        words = message_of(psycopg.errors.Diagnostic(result))
        assert (words.sqlstate, words.function) == ("57P01", "ProcessInterrupts")
        assert ends_session(words)
