"""Reading libpq's trace of a login."""

from __future__ import annotations

from hook.core.execution.sqlstate import ServerMessage
from hook.postgres.login_trace import is_login_complete, parse_refusal

HELLO = 'F\t36\tStartupMessage\t 3 0 "user" "app" "database" "shop"\n'


def test_refusal_is_read_from_its_fixed_fields() -> None:
    """Severity, code and text, in whatever language the server speaks."""
    trace = (
        f'{HELLO}B\t23\tAuthenticationSASL\t "SCRAM-SHA-256" ""\n'
        'B\t99\tErrorResponse\t S "FATALE" V "FATAL" C "28P01" M "autenticazione'
        ' fallita per l\'utente "app"" F "auth.c" L "334" R "auth_failed" \\x00\n'
    )
    expected = ServerMessage("FATALE", "28P01", 'autenticazione fallita per l\'utente "app"')
    assert parse_refusal(trace) == expected


def test_detail_and_hint_are_kept() -> None:
    """A server may know better what to do."""
    trace = (
        'B\t99\tErrorResponse\t S "FATAL" V "FATAL" C "57P03" M "starting" D "Replaying."'
        ' H "Wait." F "x.c" L "1" R "f" \\x00\n'
    )
    refusal = parse_refusal(trace)
    assert refusal is not None
    assert (refusal.message, refusal.detail, refusal.hint) == ("starting", "Replaying.", "Wait.")


def test_refusal_of_a_pooler_without_further_fields_is_read() -> None:
    """A pooler like pgbouncer sends severity, code and text only."""
    trace = 'B\t50\tErrorResponse\t S "FATAL" C "08P01" M "no such database: shop" \\x00\n'
    refusal = parse_refusal(trace)
    assert refusal is not None
    assert (refusal.sqlstate, refusal.message) == ("08P01", "no such database: shop")


def test_trace_without_refusal_has_none() -> None:
    """A name of ours that looks like a refusal is not one."""
    imposter = HELLO.replace('"app"', '"\tErrorResponse\t S "FATAL" C "28P01" M "x" \\x00"')
    assert parse_refusal(imposter) is None
    assert parse_refusal("") is None


def test_login_is_complete_when_the_server_is_ready() -> None:
    """After that, only libpq's own wishes can fail it."""
    assert is_login_complete(f"{HELLO}B\t5\tReadyForQuery\t I\n")
    assert not is_login_complete(HELLO)
