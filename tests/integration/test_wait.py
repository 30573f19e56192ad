"""The wait for a usable primary, against real servers and none."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from hook.clock import Deadline, Interrupt
from hook.core.expectations import Expectations
from hook.core.outcome import Status
from hook.errors import (
    ConfigError,
    DatabaseRejected,
    DatabaseUnreachable,
    ExitCode,
    HookError,
    Interrupted,
)
from hook.postgres.session import connect
from hook.settings.target import ConnectionTarget
from hook.stages import Context
from hook.stages.wait import WaitStage
from tests.fakes import FakeClock, FakeEvents
from tests.testbed.database import Database, Role
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.process import ROOT
from tests.testbed.run_context import eventually, meanwhile, target_of

CANARY = "c4nary'\\ secret"


def _stage(
    target: ConnectionTarget,
    seconds: float = 30,
    expectations: Expectations | None = None,
    connect_seconds: float = 5,
) -> WaitStage:
    return WaitStage(
        target,
        connect,
        timedelta(seconds=seconds),
        expectations or Expectations(),
        timedelta(seconds=connect_seconds),
    )


def _nowhere(port: int, **more: str) -> ConnectionTarget:
    parameters = {"host": "127.0.0.1", "port": str(port), "user": "app", "dbname": "shop"}
    return ConnectionTarget({**parameters, **more}, CANARY)


@pytest.fixture
def closed_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _listener(answer: bytes | None) -> Iterator[int]:
    """Listen; answer every connection with *answer* and hang up, or never if none."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(100)
                    peer.sendall(answer or b"")

        if answer is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_wait_returns_the_session_and_the_facts(database: Database, ctx: Context) -> None:
    """The first attempt works, and says where we are."""
    outcome = _stage(target_of(database)).run(ctx)
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
        (expected,) = database.query(
            "SELECT system_identifier::text, timeline_id FROM pg_control_system(),"
            " pg_control_checkpoint()"
        )
        assert (facts.system_identifier, facts.timeline) == expected
    assert [item.status for item in outcome.findings] == [Status.PASSED]


def test_facts_do_without_the_control_data(
    database: Database, make_role: Callable[..., Role], ctx: Context
) -> None:
    """A role that may not read pg_control_system() still gets everything else."""
    database.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    outcome = _stage(target_of(database, make_role())).run(ctx)
    with outcome.value.session:
        facts = outcome.value.facts
        assert (facts.system_identifier, facts.timeline) == (None, None)
        assert facts.database == database.name
        assert not facts.sees_all_sessions


def test_first_attempt_does_not_load_tenacity(database: Database) -> None:
    """A run with nothing to retry does not pay for the library of retries."""
    script = f"""
import sys
from datetime import timedelta
from hook.clock import Interrupt
from hook.postgres.facts import fetch_server_facts
from hook.postgres.session import connect
from hook.settings.target import ConnectionTarget
import hook.stages.wait, hook.stages.lock, hook.stages.blockers
target = ConnectionTarget({dict(target_of(database).parameters)!r})
with connect(target, "main", "r1", Interrupt(), timedelta(seconds=5)) as session:
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

    target = ConnectionTarget(
        {"host": server.host, "port": str(server.port), "user": "postgres", "dbname": "postgres"}
    )
    with meanwhile(start):
        outcome = _stage(target).run(ctx)
    outcome.value.session.close()
    assert len(events.named("retry.scheduled")) == 1


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
        outcome = _stage(target_of(database, role)).run(ctx)
    outcome.value.session.close()
    assert "53300" in events.told[0][1]


def test_wait_stops_at_once_on_a_wrong_password(
    database: Database, make_role: Callable[..., Role], ctx: Context
) -> None:
    """One attempt: more would lock the account, and cannot help."""
    role = make_role(password="right")
    with pytest.raises(DatabaseRejected, match="28P01") as caught:
        _stage(target_of(database, Role(role.name, CANARY))).run(ctx)
    assert role.name in caught.value.message
    log = database.server.log_text()
    assert log.count(f'password authentication failed for user "{role.name}"') == 1


def test_wait_stops_at_once_without_a_password(
    database: Database, make_role: Callable[..., Role], ctx: Context
) -> None:
    """A missing password is told as such."""
    role = make_role(password="right")
    with pytest.raises(DatabaseRejected, match="password") as caught:
        _stage(target_of(database, Role(role.name))).run(ctx)
    assert "PASSWORD" in caught.value.hint


def test_wait_stops_at_once_on_a_missing_database(server: PostgresServer, ctx: Context) -> None:
    """The database is named; its absence is a matter of configuration."""
    target = ConnectionTarget(
        {"host": server.host, "port": str(server.port), "user": "postgres", "dbname": "nowhere"}
    )
    with pytest.raises(ConfigError, match=r'database "nowhere" does not exist \(3D000\)'):
        _stage(target).run(ctx)


def test_wait_stops_at_once_when_tls_is_refused(database: Database, ctx: Context) -> None:
    """sslmode=require against a server without TLS cannot be waited away."""
    with pytest.raises(DatabaseRejected, match="SSL"):
        _stage(target_of(database, sslmode="require")).run(ctx)


def test_wait_stops_at_once_when_the_authentication_is_not_acceptable(
    database: Database, make_role: Callable[..., Role], ctx: Context
) -> None:
    """What libpq itself refuses in a login is permanent as well."""
    role = make_role(password="right")
    with pytest.raises(DatabaseRejected, match="md5"):
        _stage(target_of(database, role, require_auth="md5")).run(ctx)


@pytest.mark.parametrize(
    "more", [{"sslmode": "bogus"}, {"options": "-c nope=1"}, {"port": "http"}, {"nope": "1"}]
)
def test_wait_stops_at_once_on_wrong_parameters(
    database: Database, ctx: Context, more: dict[str, str]
) -> None:
    """What libpq or the server does not understand is a matter of configuration."""
    with pytest.raises(ConfigError):
        _stage(target_of(database, None, **more)).run(ctx)


def test_wait_does_not_take_a_standby(standby: PostgresServer, ctx: Context) -> None:
    """A server that answers and cannot be written to is not what we wait for."""
    target = ConnectionTarget(
        {"host": standby.host, "port": str(standby.port), "user": "postgres", "dbname": "postgres"}
    )
    with pytest.raises(DatabaseUnreachable, match=r"within 0\.5s: .*it is a standby"):
        _stage(target, seconds=0.5).run(ctx)


def test_wait_does_not_take_a_standby_that_libpq_refuses(
    standby: PostgresServer, ctx: Context
) -> None:
    """target_session_attrs is libpq's own word for it, and as passing."""
    target = ConnectionTarget(
        {
            "host": standby.host, "port": str(standby.port), "user": "postgres",
            "dbname": "postgres", "target_session_attrs": "read-write",
        }
    )  # fmt: skip
    with pytest.raises(DatabaseUnreachable, match=r"within 0\.5s"):
        _stage(target, seconds=0.5).run(ctx)


def test_wait_does_not_take_a_read_only_database(database: Database, ctx: Context) -> None:
    """default_transaction_read_only stops every migration."""
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    with pytest.raises(DatabaseUnreachable, match="read-only"):
        _stage(target_of(database), seconds=0.3).run(ctx)


def test_wait_gives_up_on_a_closed_port(closed_port: int, ctx: Context) -> None:
    """Nobody listens, until the wait is over."""
    with pytest.raises(DatabaseUnreachable, match="Connection refused"):
        _stage(_nowhere(closed_port), seconds=0.3).run(ctx)


def test_wait_gives_up_on_a_black_hole(ctx: Context) -> None:
    """A peer that accepts and says nothing costs the connect timeout, no more."""
    with (
        _listener(None) as port,
        pytest.raises(DatabaseUnreachable, match="no answer in time"),
    ):
        _stage(_nowhere(port), seconds=0.1, connect_seconds=0.1).run(ctx)


def test_wait_gives_up_on_a_peer_that_hangs_up(ctx: Context) -> None:
    """A proxy without a server behind it is no refusal of ours."""
    with _listener(b"") as port, pytest.raises(DatabaseUnreachable):
        _stage(_nowhere(port), seconds=0.3).run(ctx)


def test_wait_stops_at_once_on_something_else(ctx: Context) -> None:
    """A web server at the port will not become PostgreSQL."""
    with _listener(b"HTTP/1.1 400 Bad Request\r\n") as port, pytest.raises(DatabaseRejected):
        _stage(_nowhere(port)).run(ctx)


def test_wait_gives_up_on_an_unknown_host(ctx: Context) -> None:
    """In a cluster the name may appear, so it is waited for."""
    with pytest.raises(DatabaseUnreachable, match=r"host db\.invalid does not resolve"):
        _stage(_nowhere(5432, host="db.invalid"), seconds=0.3).run(ctx)


def test_wait_gives_up_on_a_missing_socket(ctx: Context) -> None:
    """A unix socket that does not exist may yet be created."""
    with pytest.raises(DatabaseUnreachable, match="No such file"):
        _stage(_nowhere(5432, host="/nonexistent"), seconds=0.3).run(ctx)


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
    with _stage(target).run(ctx).value.session as session:
        assert session.peer.host == str(database.server.socket_folder)


def test_wait_reports_every_host_that_failed(closed_port: int, ctx: Context) -> None:
    """As long as one host may recover, the wait goes on; all are named."""
    target = _nowhere(closed_port, host="127.0.0.1,db.invalid")
    with pytest.raises(DatabaseUnreachable, match=r"refused; host db\.invalid"):
        _stage(target, seconds=0.3).run(ctx)


def test_wait_ends_with_a_stop_request(
    closed_port: int, ctx: Context, interrupt: Interrupt, events: FakeEvents
) -> None:
    """SIGTERM during the wait ends it at once."""

    def stop() -> None:
        eventually(lambda: bool(events.named("retry.scheduled")))
        interrupt.set("SIGTERM")

    with meanwhile(stop), pytest.raises(Interrupted):
        _stage(_nowhere(closed_port)).run(ctx)


def test_login_ends_with_a_stop_request(ctx: Context, interrupt: Interrupt) -> None:
    """SIGTERM ends a login that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def stop() -> None:
            peer.append(server.accept()[0])
            peer[0].recv(100)  # the login has begun
            interrupt.set("SIGTERM")

        peer: list[socket.socket] = []
        with meanwhile(stop), pytest.raises(Interrupted):
            _stage(_nowhere(server.getsockname()[1])).run(ctx)
        peer[0].close()


def test_wait_speaks_every_ten_seconds(closed_port: int, ctx: Context, events: FakeEvents) -> None:
    """Two minutes of waiting are a dozen lines, not a hundred."""
    clock = FakeClock()
    deadline = Deadline.after(clock, timedelta(minutes=25), "PRESYNC_DEADLINE")
    fake = replace(ctx, clock=clock, deadline=deadline)
    with pytest.raises(DatabaseUnreachable, match="within 2m"):
        _stage(_nowhere(closed_port), seconds=120).run(fake)
    assert len(clock.slept) > 60
    assert max(clock.slept) <= 2
    assert sum(clock.slept) == pytest.approx(120)
    assert 10 <= len(events.named("retry.scheduled")) <= 12


def test_wait_refuses_another_database_than_expected(database: Database, ctx: Context) -> None:
    """The wrong target is judged before anything else, and the session closed."""
    outcome = _stage(target_of(database), expectations=Expectations("shop")).run(ctx)
    assert [item.code for item in outcome.findings] == [ExitCode.CONFIG]
    assert database.name in outcome.findings[0].message
    assert outcome.value.session.is_lost


def test_wait_names_a_wrong_cluster_before_it_minds_a_standby(
    standby: PostgresServer, ctx: Context
) -> None:
    """A standby of the wrong cluster is the wrong cluster."""
    target = ConnectionTarget(
        {"host": standby.host, "port": str(standby.port), "user": "postgres", "dbname": "postgres"}
    )
    outcome = _stage(target, expectations=Expectations(None, "42")).run(ctx)
    assert [item.code for item in outcome.findings] == [ExitCode.CONFIG]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"sslmode": "require"},
        {"sslmode": "bogus"},
        {"dbname": "nowhere"},
        {"host": "x.invalid"},
    ],
)
def test_no_error_shows_the_password(
    database: Database, make_role: Callable[..., Role], ctx: Context, more: dict[str, str]
) -> None:
    """The password is in no message, hint, cause or rendering of the target."""
    target = target_of(database, Role(make_role(password="right").name, CANARY), **more)
    with pytest.raises(HookError) as caught:
        _stage(target, seconds=0).run(ctx)
    error: BaseException | None = caught.value
    while error is not None:
        assert "c4nary" not in f"{error!r} {getattr(error, 'hint', '')}"
        error = error.__cause__ or error.__context__
    assert "c4nary" not in f"{target!r} {target.describe()}"
