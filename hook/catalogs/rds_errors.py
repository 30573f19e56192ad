"""Turns what botocore raises of RDS into one line with a reason and the next step.

Import this only where RDS is really asked: it loads botocore.

Error codes: "Common errors" of the Amazon RDS API reference, and those of each action.
"""

from __future__ import annotations

from datetime import UTC, datetime

from botocore import exceptions as aws

from hook.catalogs.s3_errors import Fault, classify, code_of, detail_of, missing_right
from hook.errors import BackupSourceMissing, BackupUnknown, ConfigError, HookError

_MISSING = frozenset({"DBInstanceNotFound", "DBClusterNotFoundFault"})
_GONE = frozenset({"DBSnapshotNotFound", "DBClusterSnapshotNotFoundFault"})
_HINTS = {
    Fault.CLOCK: "Synchronise the clock of this node; AWS refuses requests that are minutes off.",
    Fault.REGION: "Set AWS_REGION to the region of the database.",
    Fault.UNREACHABLE: (
        "Check AWS_REGION, the way to the API of RDS (VPC endpoint, NAT), network policies and"
        " HTTPS_PROXY/NO_PROXY."
    ),
    Fault.NOT_S3: "See what the message says; check AWS_ENDPOINT_URL_RDS and proxies in between.",
}


def explain_rds(error: BaseException, name: str, region: str) -> HookError:
    """Return *error* as what it means for the server called *name*."""
    if isinstance(error, aws.ClientError) and code_of(error) in _MISSING:
        return BackupSourceMissing(
            f"there is no {name} in {region}",
            "Correct PRESYNC_BACKUP_SOURCE (rds:INSTANCE or rds:cluster/NAME), or AWS_REGION.",
        )
    if isinstance(error, aws.ClientError) and code_of(error) in _GONE:
        return BackupSourceMissing(
            f"RDS has no such snapshot of {name} (any more)", "See who deletes snapshots."
        )
    if isinstance(error, aws.NoRegionError):
        return ConfigError(
            (f"AWS_REGION is not set: no region to look for {name} in",), _HINTS[Fault.REGION]
        )
    fault, detail = classify(error, datetime.now(UTC)), detail_of(error)
    if fault is Fault.DENIED and isinstance(error, aws.ClientError):
        right = missing_right(error) or f"rds:{error.operation_name}"
        # What a key of KMS takes depends on the key, which no setting names.
        printed = right.startswith("rds:")
        policy = "; `presync config --iam-policy` prints all that is needed" if printed else ""
        return BackupUnknown(f"{right} on {name} is denied ({detail})", f"Allow {right}{policy}.")
    message = {
        Fault.CREDENTIALS: f"no valid credentials to ask for {name} ({detail})",
        Fault.CLOCK: f"RDS refuses to tell of {name} because the clocks differ ({detail})",
        Fault.REGION: f"no region to look for {name} in ({detail})",
        Fault.TLS: f"no TLS session with RDS: {detail}",
        Fault.UNREACHABLE: f"RDS does not answer: {detail}",
        Fault.BUSY: f"RDS fails on {name} ({detail})",
    }.get(fault, f"RDS refuses {_operation(error)} for {name}: {detail}")
    return BackupUnknown(message, _HINTS.get(fault, fault.value))


def _operation(error: BaseException) -> str:
    return error.operation_name if isinstance(error, aws.ClientError) else "an answer"
