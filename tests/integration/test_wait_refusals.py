"""What the wait for a primary does not wait for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.core.execution.expectations import Expectations
from hook.errors import ConfigError, DatabaseRejected, ExitCode, HookError
from hook.stages import Context
from tests.testbed.database import Database, Role
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import target_of
from tests.testbed.wait_stage import CANARY, listener, nowhere, superuser_of, wait_stage


def test_wait_stops_at_once_on_a_wrong_password(
    database: Database, make_role: Callable[..., Role], ctx: Context
) -> None:
    """One attempt: more would lock the account, and cannot help."""
    role = make_role(password="right")
    with pytest.raises(DatabaseRejected, match="28P01") as caught:
        wait_stage(target_of(database, Role(role.name, CANARY))).run(ctx)
    assert role.name in caught.value.message
    log = database.server.log_text()
    assert log.count(f'password authentication failed for user "{role.name}"') == 1


def test_wait_stops_at_once_without_a_password(
    database: Database, make_role: Callable[..., Role], ctx: Context
) -> None:
    """A missing password is told as such."""
    role = make_role(password="right")
    with pytest.raises(DatabaseRejected, match="password") as caught:
        wait_stage(target_of(database, Role(role.name))).run(ctx)
    assert "PASSWORD" in caught.value.hint


def test_wait_stops_at_once_on_a_missing_database(server: PostgresServer, ctx: Context) -> None:
    """The database is named; its absence is a matter of configuration."""
    target = superuser_of(server, dbname="nowhere")
    with pytest.raises(ConfigError, match=r'database "nowhere" does not exist \(3D000\)'):
        wait_stage(target).run(ctx)


def test_wait_stops_at_once_when_tls_is_refused(database: Database, ctx: Context) -> None:
    """sslmode=require against a server without TLS cannot be waited away."""
    with pytest.raises(DatabaseRejected, match="SSL"):
        wait_stage(target_of(database, sslmode="require")).run(ctx)


def test_wait_stops_at_once_when_the_authentication_is_not_acceptable(
    database: Database, make_role: Callable[..., Role], ctx: Context
) -> None:
    """What libpq itself refuses in a login is permanent as well."""
    role = make_role(password="right")
    with pytest.raises(DatabaseRejected, match="md5"):
        wait_stage(target_of(database, role, require_auth="md5")).run(ctx)


@pytest.mark.parametrize("more", [{"sslmode": "bogus"}, {"options": "-c nope=1"}, {"nope": "1"}])
def test_wait_stops_at_once_on_wrong_parameters(
    database: Database, ctx: Context, more: dict[str, str]
) -> None:
    """What libpq or the server does not understand is a matter of configuration."""
    with pytest.raises(ConfigError):
        wait_stage(target_of(database, None, **more)).run(ctx)


def test_wait_stops_at_once_on_something_else(ctx: Context) -> None:
    """A web server at the port will not become PostgreSQL."""
    with listener(b"HTTP/1.1 400 Bad Request\r\n") as port, pytest.raises(DatabaseRejected):
        wait_stage(nowhere(port)).run(ctx)


def test_wait_refuses_another_database_than_expected(database: Database, ctx: Context) -> None:
    """The wrong target is judged before anything else, and the session closed."""
    outcome = wait_stage(target_of(database), expectations=Expectations("shop")).run(ctx)
    assert [item.code for item in outcome.findings] == [ExitCode.CONFIG]
    assert database.name in outcome.findings[0].message
    assert outcome.value.session.is_lost


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
        wait_stage(target, seconds=0).run(ctx)
    error: BaseException | None = caught.value
    while error is not None:
        assert "c4nary" not in f"{error!r} {getattr(error, 'hint', '')}"
        error = error.__cause__ or error.__context__
    assert "c4nary" not in f"{target!r} {target.describe()}"
