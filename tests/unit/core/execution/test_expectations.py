"""The right server, and one that can be worked on."""

from __future__ import annotations

import pytest

from hook.core.execution.expectations import (
    Expectations,
    judge_primary,
    judge_target,
    judge_usable,
)
from hook.core.outcome import Status
from hook.errors import ExitCode
from tests.testbed.release import SERVER

FACTS = SERVER._replace(system_identifier="7")


@pytest.mark.parametrize(
    "expected", [Expectations(), Expectations("shop"), Expectations("shop", "7")]
)
def test_expected_target_passes(expected: Expectations) -> None:
    """Nothing expected, or exactly this."""
    assert judge_target(FACTS, expected) == ()


def test_every_mismatch_is_told_at_once() -> None:
    """Database and cluster are both named, with what was expected."""
    findings = judge_target(FACTS, Expectations("other", "8"))
    assert [item.code for item in findings] == [ExitCode.CONFIG, ExitCode.CONFIG]
    assert "database shop, expected other" in findings[0].message
    assert "cluster 7, expected 8" in findings[1].message


def test_hidden_system_identifier_is_not_taken_for_the_right_one() -> None:
    """Without the right to look, the guard fails and names the grant."""
    (finding,) = judge_target(FACTS._replace(system_identifier=None), Expectations(None, "7"))
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.AUTH)
    assert "GRANT EXECUTE" in finding.hint


def test_old_server_is_unsupported() -> None:
    """PostgreSQL 12 is refused, 13 is not."""
    old = FACTS._replace(version="12.22", version_num=120022)
    (finding,) = judge_target(old, Expectations())
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.UNSUPPORTED)
    assert finding.message == "PostgreSQL 12.22 is older than 13"
    assert judge_target(FACTS._replace(version_num=130000), Expectations()) == ()


def test_unusable_names_the_reason() -> None:
    """Recovery outranks read-only, which every standby is as well."""
    assert judge_usable(FACTS) is None
    standby = judge_usable(FACTS._replace(in_recovery=True, read_only=True))
    read_only = judge_usable(FACTS._replace(read_only=True))
    assert standby is not None
    assert read_only is not None
    assert "standby" in standby.reason
    assert "failover" in standby.hint
    assert "read-only" in read_only.reason
    assert "default_transaction_read_only" in read_only.hint


def test_who_only_reads_needs_a_primary_and_no_more() -> None:
    """Of a standby nobody knows how old its history is."""
    assert judge_primary(FACTS._replace(read_only=True)) is None
    standby = FACTS._replace(in_recovery=True, read_only=True)
    assert judge_primary(standby) == judge_usable(standby) is not None
