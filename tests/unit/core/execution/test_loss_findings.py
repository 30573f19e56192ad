"""What is said of data that a release destroys."""

from __future__ import annotations

import pytest

from hook.core.execution.loss_findings import (
    ScriptLoss,
    blame_losses,
    demanded_policy,
    judge_losses,
    unwaived,
)
from hook.core.outcome import Policy, Status, failed, passed, unknown, warned
from hook.core.scripts.waivers import LossBook, Waived, Waiver
from hook.core.sql.loss_rule import LossRule
from hook.core.sql.losses import Loss
from hook.errors import ExitCode

DROP = Loss(LossRule.DROP_TABLE, 3, "DROP TABLE t")
TRUNCATE = Loss(LossRule.TRUNCATE, 1, "TRUNCATE u")
WAIVER = Waiver("V2__b.sql", 1, LossRule.DROP_TABLE, "it is empty", 2)
BOOKS = (LossBook("V1__a.sql", (DROP,)), LossBook("V2__b.sql", (TRUNCATE,)))


def test_losses_are_told_in_one_finding_with_both_ways_on() -> None:
    """A backup, or the very line to be written."""
    (finding,) = judge_losses(BOOKS)
    assert finding.status is Status.WARNED
    assert finding.rule == "destructive"
    assert finding.message == (
        "2 statements would destroy data: V1__a.sql:3 drop-table (DROP TABLE t);"
        " V2__b.sql:1 truncate (TRUNCATE u)"
    )
    assert finding.hint == (
        "Have a backup: as long as migrations are pending, PRESYNC_BACKUP_POLICY does not count,"
        " and only PRESYNC_BACKUP_SOURCE=none or an override of the gate sets it aside."
        ' If the data may go, write "-- presync: allow drop-table because <reason>" on the line'
        " before V1__a.sql:3."
    )
    assert finding.facts["statements"] == [
        {"script": "V1__a.sql", "line": 3, "rule": "drop-table", "statement": "DROP TABLE t"},
        {"script": "V2__b.sql", "line": 1, "rule": "truncate", "statement": "TRUNCATE u"},
    ]


def test_nothing_is_said_of_scripts_that_destroy_nothing() -> None:
    """And have no waiver."""
    assert judge_losses((LossBook("V1__a.sql"),)) == ()


def test_many_losses_are_counted() -> None:
    """The facts have them all."""
    (finding,) = judge_losses((LossBook("V1__a.sql", (DROP,) * 12),))
    assert finding.message.endswith("; 2 more")
    assert finding.message.count("V1__a.sql:3") == 10
    statements = finding.facts["statements"]
    assert isinstance(statements, list)
    assert len(statements) == 12


@pytest.mark.parametrize(
    ("losses", "rule", "message"),
    [
        ((DROP,), "waived", "V2__b.sql:1 waives drop-table at line 3: it is empty"),
        (
            (DROP,) * 12,
            "waived",
            f"V2__b.sql:1 waives drop-table at line {', '.join('3' * 10)} and 2 more: it is empty",
        ),
        (
            (),
            "waives-nothing",
            "V2__b.sql:1 waives nothing: drop-table is not found in what it covers",
        ),
    ],
)
def test_every_waiver_is_told_loudly(losses: tuple[Loss, ...], rule: str, message: str) -> None:
    """Also one that was not needed."""
    waived = Waived(WAIVER, losses)
    (finding,) = judge_losses((LossBook("V2__b.sql", (), (waived,)),))
    assert (finding.status, finding.rule, finding.message) == (Status.WARNED, rule, message)
    assert finding.facts == waived.describe()


@pytest.mark.parametrize("policy", list(Policy))
def test_loss_demands_the_gate_whatever_its_policy(policy: Policy) -> None:
    """But an override, which has made a warning of what is demanded, stays one."""
    losses = unwaived(BOOKS)
    assert demanded_policy(losses, policy, Policy.ENFORCE) is Policy.ENFORCE
    assert demanded_policy(losses, policy, Policy.WARN) is Policy.WARN
    assert demanded_policy((), policy, Policy.ENFORCE) is policy


def test_refusal_names_what_it_is_for() -> None:
    """The finding that decides says statement, rule and the way on without a backup."""
    told = warned("clock", "a clock is ahead")
    bad = failed(ExitCode.NO_WAY_BACK, "backup-age", "31h ago", "Run a backup.")
    first, second = blame_losses((told, bad), unwaived(BOOKS))
    assert first is told
    assert second.code is ExitCode.NO_WAY_BACK
    assert second.message == (
        "31h ago; V1__a.sql:3 (drop-table) and 1 more would destroy data:"
        " PRESYNC_BACKUP_POLICY does not count"
    )
    assert second.hint == (
        "Run a backup. Or, if the data may go, write"
        ' "-- presync: allow drop-table because <reason>" on the line before V1__a.sql:3.'
    )


def test_refusal_for_one_loss_without_a_hint() -> None:
    """There is one from here."""
    bad = unknown(ExitCode.UNKNOWN_BACKUP, "backup", "no answer")
    (finding,) = blame_losses((bad,), (ScriptLoss("V1__a.sql", DROP),))
    assert finding.status is Status.UNKNOWN
    assert " and " not in finding.message
    assert finding.hint.startswith("Or, if the data may go, write ")


def test_gate_that_passes_blames_nobody() -> None:
    """Nor is anybody to blame without a loss."""
    good = (passed("backup-age", "1h ago"),)
    assert blame_losses(good, unwaived(BOOKS)) == good
    bad = (failed(ExitCode.NO_WAY_BACK, "backup-age", "31h ago"),)
    assert blame_losses(bad, ()) == bad
