"""Migrations, history rows and engines as tests need them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hook.core.execution.prepared import (
    ParsedScript,
    PreparedScript,
    place_script,
    prepare_script,
)
from hook.core.outcome import Finding
from hook.core.schema_history.applied import read_rows
from hook.core.schema_history.history import History, HistoryRow, MigrationInfo
from hook.core.schema_history.history_rules import HistoryRules
from hook.core.schema_history.reconcile import reconcile
from hook.core.scripts.migration_set import build_set
from hook.core.scripts.script import Kind, Migration, Naming, ScriptFile, parse_file_name
from hook.core.sessions.server import ServerFacts
from hook.core.sql.statements import parse_statements
from hook.engines.flyway.engine import FlywayEngine
from hook.settings.migrations import MigrationSettings, Sources
from hook.stages.resolve import judge_files
from tests.fakes import NOON

SERVER = ServerFacts(
    host="db",
    port=5432,
    database="shop",
    user="app",
    schema="public",
    version="15.0",
    version_num=150000,
    in_recovery=False,
    read_only=False,
    system_identifier="1",
    timeline=1,
    time_zone="UTC",
    search_path='"$user", public',
    deadlock_timeout_ms=1000,
    backend_pid=1,
    backend_start="1",
    server_time=NOON,
    sees_all_sessions=True,
)


def migration(script: str, checksum: int = 1, raw_checksum: int | None = None) -> Migration:
    """Return the migration that a file of the name *script* would be."""
    name = parse_file_name(script.rpartition("/")[2], Naming())
    return Migration(
        kind=name.kind or Kind.VERSIONED,
        version=name.version,
        description=name.description,
        script=script,
        path=f"/release/{script}",
        checksum=checksum,
        raw_checksum=checksum if raw_checksum is None else raw_checksum,
        content_hash=str(checksum),
    )


def parse_script(script: ScriptFile, text: bytes, *, allows_mixed: bool) -> ParsedScript:
    """Return the statements of *text*, and whether they run in one transaction."""
    return place_script(script, parse_statements(text), allows_mixed=allows_mixed)


def prepared_script(
    script: Migration, text: bytes, *, allows_mixed: bool = False
) -> PreparedScript:
    """Return what is known of *script* from its *text*, offline."""
    return prepare_script(script, parse_script(script, text, allows_mixed=allows_mixed))


def refusal_of(engine: FlywayEngine) -> Finding:
    """Return why the release of *engine* is refused."""
    (finding,) = judge_files(engine.resolve(None))
    return finding


def row(
    rank: int, script: str, checksum: int | None = 1, kind: str = "", *, success: bool = True
) -> HistoryRow:
    """Return the row that applying *script* leaves; *kind* is the type where it differs."""
    named = migration(script)
    return HistoryRow(
        installed_rank=rank,
        version=None if named.version is None else named.version.text,
        description=named.description,
        type=kind or named.type,
        script=script,
        checksum=checksum,
        installed_by="app",
        installed_on="2026-03-01 12:00:00",
        execution_time=1,
        success=success,
    )


def baseline(rank: int, version: str) -> HistoryRow:
    """Return the row of the baseline command."""
    named = row(rank, f"V{version}__x.sql", None, "BASELINE")
    text = "<< Flyway Baseline >>"
    return named._replace(description=text, script=text)


def history(*rows: HistoryRow) -> History:
    """Return a history that exists."""
    return History("public", "flyway_schema_history", exists=True, rows=rows)


def infos(
    files: tuple[Migration, ...], rows: tuple[HistoryRow, ...], rules: HistoryRules | None = None
) -> tuple[MigrationInfo, ...]:
    """Return the states of *files* and *rows*."""
    entries, _ = read_rows(rows)
    return reconcile(build_set(files).migrations, entries, rules or HistoryRules())


def states(
    files: str, rows: tuple[HistoryRow, ...] = (), rules: HistoryRules | None = None
) -> list[str]:
    """Return the states of the *files* (names, blank-separated) and *rows* as words."""
    found = infos(tuple(migration(name) for name in files.split()), rows, rules)
    return [
        f"{info.version.text if info.version else info.description} {info.state.value}"
        for info in found
    ]


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write *files* (by path below *folder*) and return *folder*."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def engine_on(
    *locations: Path | str, settings: MigrationSettings | None = None, cwd: Path = Path("/")
) -> FlywayEngine:
    """Return an engine that reads *locations*."""
    chosen = settings or MigrationSettings()
    sources = chosen.sources._replace(locations=tuple(str(item) for item in locations))
    return FlywayEngine(chosen._replace(sources=sources), NOON, str(cwd))


def with_sources(**fields: object) -> MigrationSettings:
    """Return default settings but for *fields* of the sources."""
    return MigrationSettings(sources=Sources(**fields))  # type: ignore[arg-type]  # test input
