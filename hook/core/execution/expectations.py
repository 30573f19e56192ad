"""Is this the server that was meant, and can presync work on it?"""

from __future__ import annotations

from typing import NamedTuple

from hook.core.outcome import Finding, failed, unknown
from hook.core.sessions.server import ServerFacts
from hook.errors import ExitCode

# The oldest release that the tests run on; see CONTRIBUTING.md.
OLDEST_VERSION = 130000


class Expectations(NamedTuple):
    """What the settings say the target must be; none where they say nothing."""

    database: str | None = None
    system_identifier: str | None = None


def judge_target(facts: ServerFacts, expected: Expectations) -> tuple[Finding, ...]:
    """Return why *facts* are not of the expected target, nothing when they are."""
    findings: list[Finding] = []
    if expected.database not in {None, facts.database}:
        findings.append(
            failed(
                ExitCode.CONFIG,
                "expected-database",
                f"connected to database {facts.database}, expected {expected.database}",
                "Correct the connection settings, or PRESYNC_EXPECT_DATABASE.",
            )
        )
    if expected.system_identifier is not None:
        findings.extend(_judge_cluster(facts, expected.system_identifier))
    if facts.version_num < OLDEST_VERSION:
        findings.append(
            failed(
                ExitCode.UNSUPPORTED,
                "server-version",
                f"PostgreSQL {facts.version} is older than {OLDEST_VERSION // 10000}",
                f"Upgrade the server to PostgreSQL {OLDEST_VERSION // 10000} or later.",
            )
        )
    return tuple(findings)


def _judge_cluster(facts: ServerFacts, expected: str) -> tuple[Finding, ...]:
    rule = "expected-system-id"
    if facts.system_identifier is None:
        return (
            unknown(
                ExitCode.AUTH,
                rule,
                f"role {facts.user} may not read the system identifier, expected {expected}",
                f'Run GRANT EXECUTE ON FUNCTION pg_control_system() TO "{facts.user}".',
            ),
        )
    if facts.system_identifier == expected:
        return ()
    return (
        failed(
            ExitCode.CONFIG,
            rule,
            f"connected to cluster {facts.system_identifier}, expected {expected}",
            "Correct the connection settings, or PRESYNC_EXPECT_SYSTEM_ID.",
        ),
    )


class Unusable(NamedTuple):
    """Why a command is of no use there now, and the next step."""

    reason: str
    hint: str


def judge_primary(facts: ServerFacts) -> Unusable | None:
    """Return why what is read there is not the newest, none when it is."""
    if facts.in_recovery:
        return Unusable(
            "it is a standby or still in recovery, not a primary",
            "Point the settings at the primary, or wait for the failover.",
        )
    return None


def judge_usable(facts: ServerFacts) -> Unusable | None:
    """Return why nothing can be written there now, none when it can."""
    unusable = judge_primary(facts)
    if unusable is None and facts.read_only:
        return Unusable(
            "its transactions are read-only (default_transaction_read_only)",
            "Set default_transaction_read_only to off for the role, the database or the server.",
        )
    return unusable
