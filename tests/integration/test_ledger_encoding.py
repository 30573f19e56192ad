"""Notes in databases without an encoding, which hold names that are beyond ASCII."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hook.errors import ExitCode
from tests.testbed.database import Database, let_leave
from tests.testbed.gate import Gate, deciding, settings_for
from tests.testbed.run_context import target_of

KEEPS = """\
CREATE FUNCTION {}() RETURNS text LANGUAGE sql AS 'SELECT set_config(''a.b'', ''c'', false)'
"""
ALONE = "executeInTransaction=false"
SCRIPT = "INSERT INTO t VALUES (1);\nSELECT {}();\nDO $$BEGIN LOCK TABLE t; END$$"
LATIN = "gr\N{LATIN SMALL LETTER O WITH DIAERESIS}sse"


@pytest.fixture
def unencoded(gate: Gate, make_database: Callable[..., Database]) -> Iterator[Gate]:
    """Return the gate on a database of SQL_ASCII, with a table."""
    maker = make_database()
    name = f"{maker.name}_ascii"
    maker.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'")
    gate.database = Database(maker.server, name)
    gate.settings = settings_for(target_of(gate.database), gate.folder)
    try:
        assert gate.run({"V1__base.sql": "CREATE TABLE t (n int)"}).exit_code is ExitCode.OK
        yield gate
    finally:
        with maker.connect() as admin:
            let_leave(name, admin)
        maker.execute(f"DROP DATABASE {name} WITH (FORCE)")


def given_up(gate: Gate, name: str, function: str) -> str:
    """Return why a run of script *name* is given up that calls *function*, and then waits."""
    script = SCRIPT.format(function)
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        report = gate.run({name: script, f"{name}.conf": ALONE})
    assert report.exit_code is not ExitCode.OK
    return deciding(report).message


def test_function_with_a_name_beyond_ascii_is_noted(unencoded: Gate) -> None:
    """The server takes no escape for what it has no encoding of."""
    unencoded.database.execute(KEEPS.format(LATIN))
    message = given_up(unencoded, "V2__x.sql", LATIN)
    assert f"gone with its session: what function public.{LATIN} may keep" in message


def test_script_with_a_name_beyond_ascii_is_noted(unencoded: Gate) -> None:
    """In the row it is named before it begins."""
    message = given_up(unencoded, f"V2__{LATIN}.sql", "now")
    assert "everything up to line 2 (the next run goes on behind that)" in message
    again = unencoded.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert unencoded.database.query("SELECT n FROM t") == [(1,)]


def test_function_whose_name_nobody_can_read_counts_as_one_that_keeps_something(
    unencoded: Gate,
) -> None:
    """Somebody has created it through a client with another encoding."""
    with unencoded.database.connect() as other:
        other.execute(KEEPS.format(LATIN).encode("latin-1"))
    message = given_up(unencoded, "V2__x.sql", "now")
    assert "what functions, which could not be looked at, may keep" in message
