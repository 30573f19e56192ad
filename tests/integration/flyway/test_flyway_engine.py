"""From files to a history and back, on a real server and without the rest of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.core.outcome import Status
from hook.core.schema_history.history import History
from hook.core.schema_history.plan import Plan
from hook.core.scripts.migration_set import MigrationSet
from hook.core.sessions.server import ServerFacts
from hook.engines.flyway.engine import FlywayEngine
from hook.errors import ExitCode, Interrupted
from hook.postgres.indexes import fetch_invalid_indexes
from hook.postgres.session import Session
from hook.stages import Context
from hook.stages.history import HistoryStage
from hook.stages.resolve import ResolveStage
from hook.stages.verify import Before, VerifyStage
from tests.testbed.database import Database
from tests.testbed.history import CountingReader
from tests.testbed.release import engine_on, write_files

FILES = {
    "V1__tables.sql": "CREATE TABLE t (i int);\n",
    "sub/V2__more.sql": "INSERT INTO t VALUES (1);\n",
    "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT '${flyway:database}' AS name FROM t;\n",
}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Return a folder with a small release."""
    return write_files(tmp_path, FILES)


def plan(
    engine: FlywayEngine, ctx: Context, session: Session, facts: ServerFacts
) -> tuple[MigrationSet, History, Plan]:
    """Return what the stages resolve and history hand on; nothing may speak against it."""
    resolved = ResolveStage(engine).run(ctx, facts).value
    outcome = HistoryStage(engine).run(ctx, session, facts, resolved)
    assert [item.code for item in outcome.findings] == [ExitCode.OK] * len(outcome.findings)
    return resolved, *outcome.value


def apply(engine: FlywayEngine, ctx: Context, session: Session, facts: ServerFacts) -> Before:
    """Apply what is pending; return what was known before."""
    resolved, history, _ = plan(engine, ctx, session, facts)
    history = engine.create_history(session, history, facts)
    planned, _ = engine.plan(resolved, history)
    before = Before(resolved, planned, fetch_invalid_indexes(session))
    for rank, item in enumerate(planned.pending, planned.next_rank):
        script = engine.read_script(item, facts).decode()
        row = engine.history_row_sql(history, engine.new_row(item, rank, facts))
        outcome = session.run(f"BEGIN;{script}\n;{row};COMMIT")
        assert outcome.failure is None
    return before


def test_second_run_has_nothing_to_do(
    release: Path, ctx: Context, session: Session, facts: ServerFacts
) -> None:
    """What was written is what is read; the version is the newest file's."""
    engine = engine_on(release)
    before = apply(engine, ctx, session, facts)
    assert [item.script for item in before.plan.pending] == [
        "V1__tables.sql", "sub/V2__more.sql", "R__view.sql",
    ]  # fmt: skip
    outcome = VerifyStage(engine).run(ctx, session, facts, before)
    assert [item.status for item in outcome.findings] == [Status.PASSED] * 2
    _, _, again = plan(engine, ctx, session, facts)
    assert (again.pending, again.current, again.next_rank) == ((), "2", 4)
    assert VerifyStage(engine).confirm(again).findings[0].status is Status.PASSED


def test_run_without_work_reads_once_and_writes_nothing(
    release: Path, ctx: Context, session: Session, facts: ServerFacts
) -> None:
    """One query in all three stages."""
    engine = engine_on(release)
    apply(engine, ctx, session, facts)
    reader = CountingReader(session)
    resolved = ResolveStage(engine).run(ctx, facts).value
    _, found = HistoryStage(engine).run(ctx, reader, facts, resolved).value
    VerifyStage(engine).confirm(found)
    assert len(reader.queries) == 1


def test_changed_placeholder_runs_a_repeatable_again(
    release: Path, ctx: Context, session: Session, facts: ServerFacts
) -> None:
    """Its checksum is of the text as sent."""
    engine = engine_on(release)
    apply(engine, ctx, session, facts)
    write_files(release, {"R__view.sql": FILES["R__view.sql"].replace("database", "user")})
    _, _, again = plan(engine, ctx, session, facts)
    assert [item.script for item in again.pending] == ["R__view.sql"]


def test_edited_file_is_found_before_anything_runs(
    release: Path, ctx: Context, session: Session, facts: ServerFacts
) -> None:
    """And what is pending is judged where it is read."""
    engine = engine_on(release)
    apply(engine, ctx, session, facts)
    write_files(release, {"V1__tables.sql": "CREATE TABLE t (i bigint);\n", "V3__x.sql": " \n"})
    resolved = ResolveStage(engine).run(ctx, facts).value
    findings = HistoryStage(engine).run(ctx, session, facts, resolved).findings
    assert [(item.code, item.rule) for item in findings] == [
        (ExitCode.OK, "history"),
        (ExitCode.DRIFT, "history-checksum"),
    ]


def test_history_stage_adopts_nothing_unasked(
    database: Database, release: Path, ctx: Context, session: Session, facts: ServerFacts
) -> None:
    """A schema with objects and without history may be the wrong one."""
    database.execute("CREATE TABLE orders (i int)")
    engine = engine_on(release)
    resolved = ResolveStage(engine).run(ctx, facts).value
    findings = HistoryStage(engine).run(ctx, session, facts, resolved).findings
    assert [(item.code, item.rule) for item in findings][1:] == [(ExitCode.CONFIG, "baseline")]
    assert "table public.orders" in findings[1].message


def test_verification_misses_nothing(
    database: Database, release: Path, ctx: Context, session: Session, facts: ServerFacts
) -> None:
    """A row that is gone, and an index that is of no use."""
    engine = engine_on(release)
    before = apply(engine, ctx, session, facts)
    database.execute(
        "DELETE FROM flyway_schema_history WHERE version = '2'; INSERT INTO t VALUES (1);"
    )
    failed = session.run("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (i)")
    assert failed.failure is not None
    findings = VerifyStage(engine).run(ctx, session, facts, before).findings
    assert [(item.code, item.message) for item in findings] == [
        (ExitCode.VERIFY_FAILED, "sub/V2__more.sql is not in the schema history"),
        (ExitCode.VERIFY_FAILED, "sub/V2__more.sql is still pending"),
        (ExitCode.VERIFY_FAILED, "index public.broken on t is invalid"),
    ]


def test_partitioned_index_in_the_making_is_not_invalid(
    database: Database, session: Session
) -> None:
    """It becomes valid when its last partition is attached."""
    database.execute(
        "CREATE TABLE p (i int) PARTITION BY LIST (i); CREATE TABLE p1 PARTITION OF p DEFAULT;"
        " CREATE INDEX half ON ONLY p (i)"
    )
    assert fetch_invalid_indexes(session) == frozenset()


def test_resolve_stage_tells_what_is_left_out(tmp_path: Path, ctx: Context) -> None:
    """Scripts outside of the convention, and undo scripts."""
    write_files(tmp_path, {**FILES, "U2__more.sql": "DROP TABLE t;", "v3__x.sql": ""})
    outcome = ResolveStage(engine_on(tmp_path)).run(ctx, None)
    assert [(item.status, item.rule) for item in outcome.findings] == [
        (Status.PASSED, "migration-set"),
        (Status.WARNED, "ignored-script"),
        (Status.SKIPPED, "undo-scripts"),
    ]
    assert outcome.value.digest in outcome.findings[0].message


def test_stages_stop_for_a_signal(tmp_path: Path, ctx: Context) -> None:
    """Before they begin."""
    ctx.interrupt.set("SIGTERM")
    with pytest.raises(Interrupted):
        ResolveStage(engine_on(tmp_path)).run(ctx, None)


def test_bad_release_is_told_beside_what_can_be_read_of_it(tmp_path: Path, ctx: Context) -> None:
    """For whoever wants to know what else is wrong."""
    write_files(tmp_path, {"V1__a.sql": "SELECT 1", "V2__b.sql": b"\xff"})
    (refusal,), found = ResolveStage(engine_on(tmp_path)).run(ctx, None)
    assert refusal.code is ExitCode.BAD_SET
    assert [item.script for item in found.migrations] == ["V1__a.sql"]
