"""The wait for a usable primary, against real servers and none."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hook.clock import Deadline, Interrupt
from hook.core.execution.expectations import Expectations
from hook.core.outcome import Status
from hook.errors import DatabaseUnreachable, ExitCode, Interrupted
from hook.postgres.session import Session
from hook.settings.target import ConnectionTarget
from hook.stages import Context
from hook.stages.wait import WaitStage
from tests.fakes import FakeClock, FakeEvents
from tests.testbed.database import Database, Role
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.process import ROOT
from tests.testbed.run_context import eventually, meanwhile, target_of
from tests.testbed.wait_stage import listener, nowhere, superuser_of, wait_stage


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port where nobody listens, nor can during the test."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_wait_returns_the_session_and_the_facts(database: Database, ctx: Context) -> None:
    """The first attempt works, and says where we are."""
    outcome = wait_stage(target_of(database)).run(ctx)
    reached = outcome.value
    with reached.session:
        facts = reached.facts
        assert (facts.database, facts.user, facts.schema) == (database.name, "postgres", "public")
        assert facts.backend_pid == reached.session.pid
        assert facts.version_num // 10000 == database.server.major
        assert (facts.host, facts.port) == (database.server.host, database.server.port)
        assert not facts.in_recovery
        assert not facts.read_only
        assert facts.deadlock_timeout_ms == 1000
        assert facts.sees_all_sessions
        assert facts.server_time.utcoffset() == timedelta(0)
        assert abs(facts.clock_ahead) < timedelta(minutes=2)
        (expected,) = database.query(
            "SELECT system_identifier::text, timeline_id FROM pg_control_system(),"
            " pg_control_checkpoint()"
        )
        assert (facts.system_identifier, facts.timeline) == expected
    assert [item.status for item in outcome.findings] == [Status.PASSED]


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1)])
def test_wait_tells_how_far_the_servers_clock_is_ahead(
    database: Database, ctx: Context, off: timedelta
) -> None:
    """This machine's clock is an hour off: what it says is the difference."""
    wrong = ctx._replace(clock=FakeClock(datetime.now(UTC) + off))
    reached = wait_stage(target_of(database)).run(wrong).value
    with reached.session:
        assert abs(reached.facts.clock_ahead + off) < timedelta(minutes=2)


@pytest.mark.parametrize(
    ("denied", "timeline"),
    [("pg_control_system()", 1), ("pg_control_system(), pg_current_wal_insert_lsn()", None)],
)
def test_facts_do_without_the_control_data(
    database: Database,
    make_role: Callable[..., Role],
    ctx: Context,
    denied: str,
    timeline: int | None,
) -> None:
    """A role that may not read it, or the position in the log, still gets everything else."""
    database.execute(f"REVOKE EXECUTE ON FUNCTION {denied} FROM PUBLIC")
    outcome = wait_stage(target_of(database, make_role())).run(ctx)
    with outcome.value.session:
        facts = outcome.value.facts
        assert (facts.system_identifier, facts.timeline) == (None, timeline)
        assert facts.database == database.name
        assert not facts.sees_all_sessions


def test_first_attempt_does_not_load_tenacity(database: Database) -> None:
    """A run with nothing to retry does not pay for the library of retries."""
    script = f"""
import sys
from datetime import UTC, datetime, timedelta
from hook.clock import Bounds, Interrupt
from hook.postgres.connecting import connect
from hook.postgres.facts import fetch_server_facts
from hook.settings.target import ConnectionTarget
import hook.stages.wait, hook.stages.lock, hook.stages.blockers
target = ConnectionTarget({dict(target_of(database).parameters)!r})
with connect(target, "main", "r1", Bounds(Interrupt()), timedelta(seconds=5)) as session:
    fetch_server_facts(session)
sys.exit(sum(name in sys.modules for name in ("tenacity", "boto3", "click")))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_wait_outlasts_a_server_that_starts_late(
    make_server: Callable[..., PostgresServer], ctx: Context, events: FakeEvents
) -> None:
    """Refused at first, then starting up, then usable."""
    server = make_server()
    server.stop()

    def start() -> None:
        eventually(lambda: bool(events.named("retry.scheduled")))
        server.start()

    target = superuser_of(server)
    with meanwhile(start):
        outcome = wait_stage(target, seconds=55).run(ctx)
    outcome.value.session.close()


def test_wait_outlasts_too_many_connections(
    database: Database, make_role: Callable[..., Role], ctx: Context, events: FakeEvents
) -> None:
    """53300 is worth waiting for; the slot becomes free."""
    role = make_role(attributes="CONNECTION LIMIT 1")
    holder = database.connect(role)

    def leave() -> None:
        eventually(lambda: bool(events.named("retry.scheduled")))
        holder.close()

    with meanwhile(leave):
        outcome = wait_stage(target_of(database, role)).run(ctx)
    outcome.value.session.close()
    assert "53300" in events.told[0][1]


def test_wait_does_not_take_a_standby(standby: PostgresServer, ctx: Context) -> None:
    """A server that answers and cannot be written to is not what we wait for."""
    target = superuser_of(standby)
    with pytest.raises(DatabaseUnreachable, match=r"it is a standby.* \(waited [\d.]+s\)"):
        wait_stage(target, seconds=0.5).run(ctx)


def test_wait_does_not_take_a_standby_that_libpq_refuses(
    standby: PostgresServer, ctx: Context
) -> None:
    """target_session_attrs is libpq's own word for it, and as passing."""
    target = superuser_of(standby, target_session_attrs="read-write")
    with pytest.raises(DatabaseUnreachable, match=r"read-only \(waited [\d.]+s\)"):
        wait_stage(target, seconds=0.5).run(ctx)


def test_wait_does_not_take_a_read_only_database(database: Database, ctx: Context) -> None:
    """default_transaction_read_only stops every migration."""
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    with pytest.raises(DatabaseUnreachable, match="read-only"):
        wait_stage(target_of(database), seconds=0.3).run(ctx)


def test_wait_gives_up_on_a_closed_port(closed_port: int, ctx: Context) -> None:
    """Nobody listens, until the wait is over."""
    with pytest.raises(DatabaseUnreachable, match="Connection refused"):
        wait_stage(nowhere(closed_port), seconds=0.3).run(ctx)


def test_wait_gives_up_on_a_black_hole(ctx: Context) -> None:
    """A peer that accepts and says nothing costs the connect timeout, no more."""
    with (
        listener(None) as port,
        pytest.raises(DatabaseUnreachable, match="no answer in time"),
    ):
        wait_stage(nowhere(port), seconds=0.1, connect_seconds=0.1).run(ctx)


def test_wait_gives_up_on_a_peer_that_hangs_up(ctx: Context) -> None:
    """A proxy without a server behind it is no refusal of ours."""
    with listener(b"") as port, pytest.raises(DatabaseUnreachable):
        wait_stage(nowhere(port), seconds=0.3).run(ctx)


def test_wait_gives_up_on_an_unknown_host(ctx: Context) -> None:
    """In a cluster the name may appear, so it is waited for."""
    with pytest.raises(DatabaseUnreachable, match=r"host db\.invalid does not resolve"):
        wait_stage(nowhere(5432, host="db.invalid"), seconds=0.3).run(ctx)


def test_wait_gives_up_on_a_missing_socket(ctx: Context) -> None:
    """A unix socket that does not exist may yet be created."""
    with pytest.raises(DatabaseUnreachable, match="No such file"):
        wait_stage(nowhere(5432, host="/nonexistent"), seconds=0.3).run(ctx)


def test_wait_takes_the_first_host_that_works(
    database: Database, closed_port: int, ctx: Context
) -> None:
    """A list of hosts is tried in order, each with its port."""
    parameters = target_of(database).parameters
    target = ConnectionTarget(
        {
            **parameters,
            "host": f"127.0.0.1,db.invalid,{database.server.socket_folder}",
            "port": f"{closed_port},5432,{parameters['port']}",
        }
    )
    with wait_stage(target).run(ctx).value.session as session:
        assert session.peer.host == str(database.server.socket_folder)


def test_wait_reports_every_host_that_failed(closed_port: int, ctx: Context) -> None:
    """As long as one host may recover, the wait goes on; all are named."""
    target = nowhere(closed_port, host="127.0.0.1,db.invalid")
    with pytest.raises(DatabaseUnreachable, match=r"refused; host db\.invalid"):
        wait_stage(target, seconds=0.3).run(ctx)


def test_wait_ends_with_a_stop_request(
    closed_port: int, ctx: Context, interrupt: Interrupt, events: FakeEvents
) -> None:
    """SIGTERM during the wait ends it at once."""

    def stop() -> None:
        eventually(lambda: bool(events.named("retry.scheduled")))
        interrupt.set("SIGTERM")

    with meanwhile(stop), pytest.raises(Interrupted):
        wait_stage(nowhere(closed_port)).run(ctx)


def test_login_ends_with_a_stop_request(ctx: Context, interrupt: Interrupt) -> None:
    """SIGTERM ends a login that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def stop() -> None:
            peer.append(server.accept()[0])
            peer[0].recv(100)  # the login has begun
            interrupt.set("SIGTERM")

        peer: list[socket.socket] = []
        with meanwhile(stop), pytest.raises(Interrupted):
            wait_stage(nowhere(server.getsockname()[1])).run(ctx)
        peer[0].close()


def test_first_attempt_is_a_part_of_the_wait(ctx: Context) -> None:
    """A host that does not answer takes as long as it likes, the first time too."""
    clock = FakeClock()

    def connect(*_: object, **__: object) -> Session:
        clock.advance(2)
        raise DatabaseUnreachable("no answer", "Look.")

    stage = WaitStage(nowhere(1), connect, timedelta(seconds=3), Expectations())
    deadline = Deadline.after(clock, timedelta(minutes=1), "PRESYNC_DEADLINE")
    with pytest.raises(DatabaseUnreachable, match=r"^no answer \(waited 4s\)$"):
        stage.run(ctx._replace(clock=clock, deadline=deadline))


@pytest.mark.parametrize(("seconds", "told"), [(5, "5s"), (2.97, "3s")])
def test_wait_ends_with_the_run(seconds: float, told: str, closed_port: int, ctx: Context) -> None:
    """It is told how long it was waited for, to the tenth of a second, and what was over."""
    clock = FakeClock()
    deadline = Deadline.after(clock, timedelta(seconds=seconds), "PRESYNC_DEADLINE")
    fake = ctx._replace(clock=clock, deadline=deadline)
    over = rf"\(waited {told}, PRESYNC_DEADLINE is used up\)$"
    with pytest.raises(DatabaseUnreachable, match=over):
        wait_stage(nowhere(closed_port), seconds=120).run(fake)


def test_wait_speaks_every_ten_seconds(closed_port: int, ctx: Context, events: FakeEvents) -> None:
    """Two minutes of waiting are a dozen lines, not a hundred."""
    clock = FakeClock()
    deadline = Deadline.after(clock, timedelta(minutes=25), "PRESYNC_DEADLINE")
    fake = ctx._replace(clock=clock, deadline=deadline)
    with pytest.raises(DatabaseUnreachable, match=r"\(waited 2m\)"):
        wait_stage(nowhere(closed_port), seconds=120).run(fake)
    assert len(clock.slept) > 60
    assert max(clock.slept) <= 2
    assert sum(clock.slept) == pytest.approx(120)
    assert 10 <= len(events.named("retry.scheduled")) <= 12


def test_wait_names_a_wrong_cluster_before_it_minds_a_standby(
    standby: PostgresServer, ctx: Context
) -> None:
    """A standby of the wrong cluster is the wrong cluster."""
    target = superuser_of(standby)
    outcome = wait_stage(target, expectations=Expectations(None, "42")).run(ctx)
    assert [item.code for item in outcome.findings] == [ExitCode.CONFIG]
