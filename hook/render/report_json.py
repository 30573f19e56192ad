"""The report as JSON: the schema ``presync.report/1``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING

from hook.core.outcome import Finding, Result
from hook.core.reporting.report import SCHEMA, AppliedMigration, Report
from hook.core.schema_history.history import MigrationState
from hook.log.json_text import json_ready, utc_timestamp

if TYPE_CHECKING:
    from hook.core.backups.backup_table import BackupRow, BackupTable, WindowRow
    from hook.core.backups.marker import Marker


_HOLES = 100


def report_object(report: Report) -> dict[str, object]:
    """Return *report* as a JSON object; every key is always there."""
    return {
        "schema": SCHEMA,
        "command": report.command,
        "run_id": report.run_id,
        "verdict": report.verdict,
        "exit_code": int(report.exit_code),
        "code": report.exit_code.name,
        "started_at": utc_timestamp(report.started_at),
        "finished_at": utc_timestamp(report.finished_at),
        "duration_ms": report.duration_ms,
        "database": json_ready(report.database),
        "set": _set_object(report),
        "before": json_ready(report.before),
        "after": json_ready(report.after),
        "stages": [_stage_object(result) for result in report.results],
        "migrations": [_migration_object(item) for item in report.migrations],
        "pending": list(report.pending),
        "marker": _marker_object(report.marker),
        "backups": _backups_object(report.backups),
        "overrides": [
            {"gate": item.gate, "reason": item.reason, "until": item.end}
            for item in report.overrides
        ],
        "waivers": [item.describe() for item in report.waivers],
        "next": list(report.next_steps),
    }


def _set_object(report: Report) -> Mapping[str, object]:
    summary = report.migration_set
    if summary is None:
        return {}
    pending = {info.version for info in report.infos if info.state is MigrationState.PENDING}
    undo = [
        {
            "version": item.version.text if item.version else None,
            "script": item.script,
            "pending": item.version in pending,
        }
        for item in summary.undo
    ]
    return {
        "digest": summary.digest,
        "count": summary.count,
        "newest": summary.newest,
        "undo": undo,
    }


def _stage_object(result: Result) -> Mapping[str, object]:
    return {
        "name": result.name,
        "status": result.status.value,
        "duration_ms": result.duration_ms,
        "findings": [finding_object(item) for item in result.findings],
    }


def finding_object(finding: Finding) -> dict[str, object]:
    """Return *finding* as a JSON object; a fact never replaces one of the base keys."""
    base: dict[str, object] = {
        "status": finding.status.value,
        "code": finding.code.name,
        "rule": finding.rule,
        "message": finding.message,
        "hint": finding.hint,
    }
    facts = {name: json_ready(value) for name, value in finding.facts.items()}
    return base | {name: value for name, value in facts.items() if name not in base}


def _marker_object(marker: Marker | None) -> Mapping[str, object]:
    if marker is None:
        return {}
    return {
        "name": marker.name,
        "lsn": marker.lsn,
        # To the microsecond: this one is a target, not only told.
        "time": marker.time.astimezone(UTC).isoformat(timespec="microseconds"),
        "timeline": marker.timeline,
        "segment": marker.segment,
        "system_identifier": marker.system_identifier,
        "archived": marker.is_archived,
        "told_by": marker.told_by,
        "backup": marker.backup,
        "restore": [{"purpose": way.purpose, "command": way.command} for way in marker.restore],
    }


def _backups_object(table: BackupTable | None) -> Mapping[str, object]:
    if table is None:
        return {}
    return {
        "source": table.source,
        "rows": [_backup_object(row) for row in table.rows],
        "more": table.more,
        "window": None if table.window is None else _window_object(table.window),
    }


def _backup_object(row: BackupRow) -> Mapping[str, object]:
    return {
        "label": row.label,
        "type": row.type.value,
        "started_at": json_ready(row.started_at),
        "stopped_at": json_ready(row.stopped_at),
        "age_ms": json_ready(row.age),
        "wal_from": row.wal_from,
        "wal_to": row.wal_to,
        "holes": None if row.holes is None else list(row.holes[:_HOLES]),
        "missing_segments": None if row.holes is None else row.missing,
        "lag_ms": json_ready(row.lag),
        "restorable": row.restorable.value,
        "reasons": list(row.reasons),
    }


def _window_object(window: WindowRow) -> Mapping[str, object]:
    return {
        "earliest": json_ready(window.earliest),
        "latest": json_ready(window.latest),
        "lag_ms": json_ready(window.lag),
        "restorable": window.restorable.value,
        "reasons": list(window.reasons),
    }


def _migration_object(migration: AppliedMigration) -> Mapping[str, object]:
    return {
        "version": migration.version,
        "description": migration.description,
        "script": migration.script,
        "line": migration.line or None,
        "duration_ms": migration.duration_ms,
        "attempts": migration.attempts,
        "transactional": migration.transactional,
        "executed": migration.executed,
        "locks": [{"relation": lock.relation, "mode": lock.mode.value} for lock in migration.locks],
    }
