"""The gates over an account of RDS, instance or cluster, to verdicts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.catalogs.opening import Catalogs
from hook.core.backups.origin import ServerIdentity
from hook.core.outcome import Finding
from hook.settings.backup_source import RdsKind
from hook.stages.restore_window import RestoreWindowStage
from tests.contract.rds_cases import CASES, CLUSTER_CASES, INSTANCE_CASES, WINDOW_CASES
from tests.contract.verdict import Case, assert_verdict
from tests.testbed.backup_gate import ignore, judge_catalogs, running_context
from tests.testbed.rds_account import RdsAccount

QUARTER = timedelta(minutes=15)
BOTH = pytest.mark.parametrize("kind", RdsKind)


def gate(account: RdsAccount) -> tuple[Finding, ...]:
    """Return what the backup gate says of *account* to whoever is at its host."""
    return judge_catalogs(Catalogs(account.catalog(), None), _reached(account))


def window_gate(account: RdsAccount) -> tuple[Finding, ...]:
    """Return what the archive gate says of *account* to whoever is at its host."""
    stage = RestoreWindowStage(account.catalog(), QUARTER)
    with running_context() as ctx:
        return stage.start(ctx, None, _reached(account), ignore)()


def _reached(account: RdsAccount) -> ServerIdentity:
    # RDS tells no system identifier, and the role need not see the server's.
    return ServerIdentity(None, host=account.host)


@BOTH
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gate_gives_each_account_its_verdict(kind: RdsKind, case: Case[RdsAccount]) -> None:
    """Code, status and reasons are the same for an instance and for a cluster."""
    account = RdsAccount(kind)
    case.make(account)
    assert_verdict(gate(account), case)


@pytest.mark.parametrize("case", INSTANCE_CASES, ids=lambda case: case.name)
def test_gate_gives_each_instance_its_verdict(case: Case[RdsAccount]) -> None:
    """What a cluster does not know."""
    account = RdsAccount(RdsKind.INSTANCE)
    case.make(account)
    assert_verdict(gate(account), case)


@pytest.mark.parametrize("case", CLUSTER_CASES, ids=lambda case: case.name)
def test_gate_gives_each_cluster_its_verdict(case: Case[RdsAccount]) -> None:
    """What an instance does not know."""
    account = RdsAccount(RdsKind.CLUSTER)
    case.make(account)
    assert_verdict(gate(account), case)


@BOTH
@pytest.mark.parametrize("case", WINDOW_CASES, ids=lambda case: case.name)
def test_gate_gives_each_window_its_verdict(kind: RdsKind, case: Case[RdsAccount]) -> None:
    """What the end of the window says in the place of an archive."""
    account = RdsAccount(kind)
    case.make(account)
    assert_verdict(window_gate(account), case)
