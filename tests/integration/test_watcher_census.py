"""Who stood in the way of a migration, and who waited, as far as our role may know."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hook.errors import ExitCode
from tests.testbed.contention import ALTER, blockers_of, holder, patient, released, waiting_of
from tests.testbed.database import Role
from tests.testbed.gate import Gate, deciding
from tests.testbed.readers import reading
from tests.testbed.run_context import target_of


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> Iterator[None]:
    """Begin with a table, and leave no session of the run behind."""
    with released(gate):
        yield


def test_census_holds_no_sql(gate: Gate) -> None:
    """Whose statement it is may be nobody's business; everything else is told."""
    with holder(gate, "SELECT id, 'secret' FROM t") as other, reading(gate.database, 1):
        report = gate.run(ALTER)
        pid = other.info.backend_pid
    (blocker,) = blockers_of(report)
    assert blocker.pop("state_ms") > 0
    assert blocker == {
        "pid": pid,
        "user": "postgres",
        "application": "console",
        "client": "127.0.0.1",
        "state": "idle in transaction",
        "locks": [{"relation": "t", "mode": "AccessShareLock", "granted": True}],
    }
    assert waiting_of(report)[0]["application"] == "web"
    assert "secret" not in str(gate.events.told)
    assert "secret" not in str(report)


def test_census_holds_sql_that_was_asked_for(gate: Gate) -> None:
    """What the holder ran last, and what those run that wait."""
    blockers = gate.settings.blockers._replace(shows_queries=True)
    gate.settings = gate.settings._replace(blockers=blockers)
    with holder(gate), reading(gate.database, 1):
        report = gate.run(ALTER)
    message = deciding(report).message
    assert "holds AccessShareLock on t, last ran: SELECT id FROM t; waiting: pid " in message
    assert message.endswith("waits for AccessShareLock on t, running: SELECT id FROM t")
    assert blockers_of(report)[0]["query"] == "SELECT id FROM t"


def test_prepared_transaction_is_named(gate: Gate) -> None:
    """It has no session; a command ends it."""
    patient(gate, 0.4, 60, rungs=1)
    with gate.database.connect(autocommit=False) as other:
        other.execute("SELECT id FROM t")
        other.execute("PREPARE TRANSACTION 'left over'")
    with reading(gate.database, 1):
        report = gate.run(ALTER)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert "; in the way: prepared transaction left over; waiting: " in deciding(report).message
    assert "ROLLBACK PREPARED 'left over';" in deciding(report).hint


def test_what_the_server_hides_is_told_as_hidden(
    gate: Gate, make_role: Callable[..., Role]
) -> None:
    """Every role sees who waits for whom, and the locks; not every role sees the rest."""
    role = make_role()
    gate.database.execute(
        f"GRANT ALL ON SCHEMA public TO {role.name};"
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role.name};"
        f"ALTER TABLE t OWNER TO {role.name}"
    )
    target = target_of(gate.database, role)
    gate.settings = gate.settings._replace(
        database=gate.settings.database._replace(target=target),
        blockers=gate.settings.blockers._replace(shows_queries=True),
    )
    patient(gate, 0.4, 60, rungs=1)
    with holder(gate) as other, reading(gate.database, 1):
        report = gate.run(ALTER)
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert (
        f"in the way: pid {pid} (user postgres, console) state and age hidden from this role,"
        " holds AccessShareLock on t; waiting: pid "
    ) in deciding(report).message
    assert "privilege" not in deciding(report).message
