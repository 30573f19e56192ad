"""The clocks of those who are asked and not read: a managed service, and a command.

What lies in a storage is told by `test_clocks.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.origin import ServerIdentity
from hook.core.outcome import Finding, deciding_finding
from hook.errors import ExitCode
from hook.settings.backup_source import RdsKind, S3Settings, parse_backup_source
from tests.testbed.canned_http import Answer, answering
from tests.testbed.canned_rds import HOST, CannedRds
from tests.testbed.clocks_off import HOUR, RIGHT, Off, clocks_told, judge_by
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER
from tests.testbed.told_backups import edited, printing

SOURCES = {RdsKind.INSTANCE: "rds:shop", RdsKind.CLUSTER: "rds:cluster/shop"}
# What is told where two clocks agree against the third, and where there is no third.
BY_THREE: Mapping[str, tuple[Off, list[str]]] = {
    "service ahead": (Off(storage=HOUR), ["storage"]),
    "service behind": (Off(storage=-HOUR), ["storage"]),
    "server ahead": (Off(server=HOUR), ["database server"]),
    "server behind": (Off(server=-HOUR), ["database server"]),
    "node ahead": (Off(node=HOUR), ["storage", "database server"]),
    "node behind": (Off(node=-HOUR), ["storage", "database server"]),
}
BY_TWO = {name: off for name, (off, _) in BY_THREE.items() if off.storage == timedelta(0)}


def _assert_refused(findings: tuple[Finding, ...]) -> None:
    decisive = deciding_finding(findings)
    assert decisive is not None
    assert decisive.code in {ExitCode.NO_WAY_BACK, ExitCode.UNKNOWN_BACKUP}


def _judge_rds(kind: RdsKind, off: Off, monkeypatch: pytest.MonkeyPatch) -> tuple[Finding, ...]:
    """Return what the gate says of a server of *kind*, each answer dated by the service's clock."""
    account = CannedRds(kind)

    def answer(path: str) -> Answer:
        date = format_datetime(datetime.now(UTC) + off.storage, usegmt=True)
        return replace(account(path), headers={"Date": date})

    with answering(answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_RDS", server.endpoint)
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        catalogs = open_catalogs(parse_backup_source(SOURCES[kind]), Access(S3Settings()))
        return judge_by(catalogs, ServerIdentity(None, host=HOST), off)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("kind", RdsKind)
def test_right_clocks_of_a_service_are_not_told(
    kind: RdsKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what follows nothing would be seen otherwise."""
    findings = _judge_rds(kind, RIGHT, monkeypatch)
    assert deciding_finding(findings) is None


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("name", BY_THREE)
def test_clock_an_hour_off_is_told_in_front_of_a_service(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service dates what it answers, so that three clocks are compared."""
    off, clocks = BY_THREE[name]
    findings = _judge_rds(RdsKind.INSTANCE, off, monkeypatch)
    assert list(clocks_told(findings)) == clocks
    _assert_refused(findings)


@pytest.mark.parametrize("name", BY_TWO)
def test_clock_an_hour_off_is_told_in_front_of_a_command(name: str, tmp_path: Path) -> None:
    """A command has no clock that anybody sees; the node's and the server's are compared."""
    source = parse_backup_source(printing(tmp_path, edited(lambda _: None)))
    catalogs = open_catalogs(source, Access(S3Settings()))
    identity = ServerIdentity(SYSTEM_IDENTIFIER)
    assert deciding_finding(judge_by(catalogs, identity, RIGHT)) is None
    findings = judge_by(catalogs, identity, BY_TWO[name])
    assert list(clocks_told(findings)) == ["database server"]
    _assert_refused(findings)
