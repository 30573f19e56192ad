"""Open one connection: resolve, log in, and say why it did not work.

libpq is driven through its non-blocking functions, because a stop request must end
the wait, and because only there can the answer of the server be watched.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PQCONNECTSTARTPARAMS
"""

from __future__ import annotations

import os
import select
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from psycopg import pq

from hook.clock import Deadline, SystemClock, run_bounded
from hook.core.execution.refusal import refused_connection
from hook.core.execution.unnamed import advise_names
from hook.core.text import one_line
from hook.errors import ConfigError, DatabaseRejected, DatabaseUnreachable, HookError
from hook.postgres.driver_files import touch_driver_files
from hook.postgres.hosts import WRITABLE, each_host, is_one_of_several
from hook.postgres.login_trace import LoginTrace, is_login_complete, parse_refusal
from hook.settings.target import KEEPALIVES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg.pq.abc import PGconn

    from hook.clock import Bounds, Interrupt
    from hook.settings.target import ConnectionTarget

_PLACE_START, _PLACE_END, _SOCKET = "connection to server ", " failed: ", "on socket "
_DEFAULT_PORT = "5432"
_NO_HOST = (
    "Name the host of the server, by POSTGRES_HOST or in the URL; without one it is looked for"
    " behind a socket of this machine."
)
# What begins when the deadline of the run has passed still gets a chance to end.
_LATE_ANSWER_SECONDS = 3.0
# libpq gives up in these states when it does not accept what the server shows or asks
# for: TLS, certificate, authentication method.
_TALKING = frozenset(
    {
        pq.ConnStatus.SSL_STARTUP,
        pq.ConnStatus.GSS_STARTUP,
        pq.ConnStatus.AWAITING_RESPONSE,
        pq.ConnStatus.AUTH_OK,
    }
)


def open_connection(
    target: ConnectionTarget, application_name: str, bounds: Bounds, timeout: timedelta
) -> PGconn:
    """Return a logged-in connection to the first address of *target* that takes us.

    Args:
        target: One host or libpq's comma-separated list of them.
        application_name: Shown in ``pg_stat_activity``.
        bounds: End the attempt.
        timeout: For each address; libpq's own ``connect_timeout`` is deaf in
            non-blocking mode.

    Raises:
        DatabaseUnreachable: No address answered, or none can serve us now.
        DatabaseRejected: Credentials, rights or TLS.
        ConfigError: The parameters are wrong, or the database does not exist.
        Interrupted: A stop was requested.
    """
    interrupt, clock = bounds.interrupt, SystemClock(bounds.interrupt)

    def in_time() -> Deadline:
        seconds = min(timeout.total_seconds(), bounds.remaining(_LATE_ANSWER_SECONDS))
        return Deadline.after(clock, timedelta(seconds=seconds), "connect timeout")

    def log_in(address: Mapping[str, str]) -> PGconn:
        pgconn = _Login(target, address, application_name).run(in_time(), interrupt)
        if not is_one_of_several(address, pgconn):
            return pgconn
        pgconn.finish()
        writable = {**address, **WRITABLE}
        return _Login(target, writable, application_name).run(in_time(), interrupt)

    touch_driver_files(target.parameters)
    failures: list[HookError] = []
    for host in each_host(target.parameters):
        try:
            addresses = _resolve(host, in_time(), interrupt)
        except DatabaseUnreachable as error:
            failures.append(error)
            continue
        for address in addresses:
            try:
                return log_in(address)
            except (DatabaseUnreachable, DatabaseRejected, ConfigError) as error:
                failures.append(error)
    raise advise_names(_decisive(failures), target.unnamed)


def _decisive(failures: list[HookError]) -> HookError:
    """Return the failure to report: as long as one address may recover, waiting helps."""
    passing = {item.message: item for item in failures if isinstance(item, DatabaseUnreachable)}
    if len(passing) > 1:
        last = list(passing.values())[-1]
        return DatabaseUnreachable("; ".join(passing), last.hint)
    return next(iter(passing.values()), failures[0])


def _resolve(
    parameters: dict[str, str], deadline: Deadline, interrupt: Interrupt
) -> list[dict[str, str]]:
    """Return *parameters* once per address of their host.

    The resolver of the C library cannot be interrupted, so it works in a thread, and
    libpq gets addresses; the name stays for certificates and the password file.

    Raises:
        DatabaseUnreachable: The name has no address now; in a cluster it may get one.
    """
    host = parameters.get("host", "")
    if not host or host.startswith(("/", "@")) or "hostaddr" in parameters:
        return [parameters]
    port = parameters.get("port", _DEFAULT_PORT)
    hint = "Check the host name, and that the cluster's DNS knows it."
    # Python loads the tables of international names for a text, even one of ASCII letters.
    name = host.encode() if host.isascii() else host
    try:
        answers = run_bounded(
            lambda: socket.getaddrinfo(name, port, type=socket.SOCK_STREAM), deadline, interrupt
        )
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid name"
        message = f"host {host} does not resolve: {reason}"
        raise DatabaseUnreachable(message, hint) from error
    if answers is None:
        raise DatabaseUnreachable(f"host {host} does not resolve: no answer in time", hint)
    found = dict.fromkeys(str(answer[4][0]) for answer in answers)
    return [{**parameters, "hostaddr": address} for address in found]


class _Login:
    """One login to one address, and what was seen of the server meanwhile."""

    def __init__(
        self, target: ConnectionTarget, parameters: Mapping[str, str], application_name: str
    ) -> None:
        self._where = target.describe()
        self._parameters = {
            **KEEPALIVES,
            **parameters,
            "application_name": application_name,
            "client_encoding": "UTF8",
        }
        if target.password is not None:
            self._parameters["password"] = target.password
        self._status = pq.ConnStatus.BAD
        self._has_spoken = False

    def run(self, deadline: Deadline, interrupt: Interrupt) -> PGconn:
        """Return the connection, in non-blocking mode.

        Raises:
            HookError: As `open_connection` says.
        """
        conninfo = _conninfo(self._parameters)
        # As of Flyway's driver, so that a date is the same text; libpq has no parameter for it.
        os.environ.setdefault("PGDATESTYLE", "ISO")
        pgconn = pq.PGconn.connect_start(conninfo)
        if pgconn.status == pq.ConnStatus.BAD:
            raise self._not_started(pgconn, conninfo)
        trace = LoginTrace(pgconn)
        try:
            is_open = self._drive(pgconn, deadline, interrupt)
        except HookError:
            trace.stop()
            pgconn.finish()
            raise
        said = trace.stop()
        if not is_open:
            error = self._failure(pgconn, said, trace.is_recording)
            pgconn.finish()
            raise error
        pgconn.nonblocking = 1
        return pgconn

    def _drive(self, pgconn: PGconn, deadline: Deadline, interrupt: Interrupt) -> bool:
        """Poll until the login has ended; tell whether it worked.

        Raises:
            DatabaseUnreachable: The deadline passed.
            Interrupted: A stop was requested.
        """
        polling = pq.PollingStatus.WRITING
        while True:
            is_reading = polling == pq.PollingStatus.READING
            ready = _wait(pgconn.socket, is_reading, deadline, interrupt)
            interrupt.raise_if_set()
            if not ready:
                raise DatabaseUnreachable(
                    f"{self._where}: no answer in time ({self._place()})",
                    "Check that a network policy or firewall lets the pod reach the port.",
                )
            if is_reading:
                self._has_spoken = _has_data(pgconn.socket)
            self._status = pq.ConnStatus(pgconn.status)
            polling = pq.PollingStatus(pgconn.connect_poll())
            if polling in {pq.PollingStatus.OK, pq.PollingStatus.FAILED}:
                return polling == pq.PollingStatus.OK

    def _place(self) -> str:
        if "service" in self._parameters:
            return "as the service says"
        host = self._parameters.get("hostaddr") or self._parameters.get("host") or "local socket"
        return f"{host} port {self._parameters.get('port', _DEFAULT_PORT)}"

    def _not_started(self, pgconn: PGconn, conninfo: bytes) -> HookError:
        """Return why libpq did not even begin: bad parameters, or no route to the address."""
        message = f"{self._where}: {_text_of(pgconn)}"
        pgconn.finish()
        if pq.PGconn.ping(conninfo) == pq.Ping.NO_ATTEMPT:
            return ConfigError((message,), "Correct the connection settings.")
        return DatabaseUnreachable(message, self._listens())

    def _listens(self) -> str:
        """Return the next step where nobody answered."""
        is_named = self._parameters.keys() & {"host", "hostaddr", "service"}
        return "Check that the server runs and listens there." if is_named else _NO_HOST

    def _failure(self, pgconn: PGconn, said: str, is_recorded: bool) -> HookError:  # noqa: FBT001 - a fact, not a mode
        """Return why the login failed.

        Without a record of the answer only what libpq itself refused is certain; the
        rest then counts as passing, and is told when the wait is over.
        """
        refusal = parse_refusal(said)
        if refusal is not None:
            return refused_connection(refusal, self._where)
        message = f"{self._where}: {_text_of(pgconn)}"
        if pgconn.needs_password:
            return DatabaseRejected(
                f"{self._where}: the server asks for a password, and none is set",
                "Set the password beside the user, PGPASSWORD or PRESYNC_PASSWORD_FILE.",
            )
        if is_login_complete(said):
            return DatabaseUnreachable(message, "Point the settings at the primary.")
        is_certain = is_recorded or self._status == pq.ConnStatus.SSL_STARTUP
        if self._has_spoken and self._status in _TALKING and is_certain:
            return DatabaseRejected(
                message, "Check sslmode, sslrootcert and the authentication that the server wants."
            )
        return DatabaseUnreachable(message, self._listens())


def _wait(descriptor: int, is_reading: bool, deadline: Deadline, interrupt: Interrupt) -> bool:  # noqa: FBT001 - what libpq waits for
    """Wait for the socket; return false when neither it nor a stop came in time."""
    read: list[int | Interrupt] = [interrupt]
    write: list[int | Interrupt] = []
    (read if is_reading else write).append(descriptor)
    readable, writable, _ = select.select(read, write, [], deadline.remaining())
    return bool(readable or writable)


def _has_data(descriptor: int) -> bool:
    """Tell whether the peer has sent something that is not read yet, not just hung up."""
    with socket.socket(fileno=os.dup(descriptor)) as peer:
        try:
            return bool(peer.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False


def _text_of(pgconn: PGconn) -> str:
    """Return libpq's account of the failure; its further lines only ask questions.

    The server it names at the beginning is named by whoever tells the failure; a socket is not.
    """
    first = pgconn.get_error_message().strip().split("\n", 1)[0]
    place, _, reason = first.partition(_PLACE_END)
    if not reason or not place.startswith(_PLACE_START):
        return one_line(first)
    _, _, socket_path = place.partition(_SOCKET)
    return one_line(f"{reason}, socket {socket_path}" if socket_path else reason)


def _conninfo(parameters: Mapping[str, str]) -> bytes:
    """Return *parameters* as libpq reads them: quoted, backslash before quote and backslash."""
    items = (
        f"{key}='{value}'"
        for key, raw in parameters.items()
        for value in [raw.replace("\\", "\\\\").replace("'", "\\'")]
    )
    return " ".join(items).encode()
