"""Dumps that real pg_dump wrote: whole, cut, killed, without data; and the gate's verdict."""

from __future__ import annotations

import gzip
import os
import subprocess

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import Ask
from tests.testbed.binaries import Binaries
from tests.testbed.database import created_database
from tests.testbed.gate_answer import assert_answer, findings
from tests.testbed.pg_dump import PgDump
from tests.testbed.pgbackrest import BUCKET
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.s3_server import S3Server

_SECONDS = 120.0


@pytest.mark.parametrize("format_", ["custom", "tar", "plain"])
def test_dump_counts_from_its_start_and_not_when_it_was_cut(
    pg_dump: PgDump, ask: Ask, format_: str
) -> None:
    """Written into a file, so that pg_dump can go back in it; then cut as a copy is."""
    path = pg_dump.new(".dump")
    pg_dump.dump(f"--format={format_}", f"--file={path}")
    done = ask(pg_dump)
    usable = f"newest usable backup {path.name} (dump) started"
    assert_answer(done, ExitCode.OK, "backup", usable, "a restore loses everything after that")
    assert_answer(done, ExitCode.OK, "archive", "no WAL archive belongs to the dumps of")
    assert [item["status"] for item in findings(done, "archive")] == ["skipped"]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert_answer(ask(pg_dump), ExitCode.NO_WAY_BACK, "backup", f"{path.name} was cut")


def test_dump_through_a_pipe_counts_once_it_is_whole(pg_dump: PgDump, ask: Ask) -> None:
    """As in ``pg_dump | aws s3 cp``, which stores what it has when pg_dump is killed."""
    path = pg_dump.new(".dump")
    path.write_bytes(pg_dump.dump("--format=custom"))
    assert_answer(ask(pg_dump), ExitCode.OK, "backup", f"newest usable backup {path.name}")
    process = pg_dump.start("--format=custom")
    assert process.stdout is not None
    begin = process.stdout.read(200_000)
    process.kill()
    process.communicate(timeout=_SECONDS)
    path.write_bytes(begin)
    assert_answer(ask(pg_dump), ExitCode.NO_WAY_BACK, "backup", f"{path.name} was cut")


def test_dump_that_leaves_out_what_is_large_is_told(
    primary: PostgresServer, binaries: Binaries, tls_s3: S3Server, ask: Ask
) -> None:
    """Whole, the first of its series, and with some data; only the database tells."""
    with created_database(primary) as database:
        database.execute(
            "CREATE SCHEMA crm; CREATE UNLOGGED TABLE crm.large AS"
            " SELECT id, md5(id::text) AS name FROM generate_series(1, 1800000) AS id;"
            "CREATE TABLE crm.small AS SELECT 1 AS id"
        )
        tool = PgDump(binaries.folder / "pg_dump", primary, database.name, tls_s3)
        path = tool.new(".dump")
        tool.dump("--format=custom", "--exclude-table-data=crm.large", f"--file={path}")
        done = ask(tool)
    small = f"{path.name} has {path.stat().st_size} bytes, less than a thousandth of the database"
    assert_answer(done, ExitCode.OK, "backup", f"newest usable backup {path.name}", small)


def test_directory_dump_needs_each_of_its_files(pg_dump: PgDump, ask: Ask) -> None:
    """A copy that lost a table is none."""
    path = pg_dump.new("")
    pg_dump.dump("--format=directory", f"--file={path}")
    assert_answer(ask(pg_dump), ExitCode.OK, "backup", f"newest usable backup {path.name}")
    largest = max(path.glob("*.dat.gz"), key=lambda file: file.stat().st_size)
    largest.unlink()
    assert_answer(ask(pg_dump), ExitCode.NO_WAY_BACK, "backup", "lacks the file ")


def test_compressed_plain_dump_is_read_to_its_end(pg_dump: PgDump, ask: Ask) -> None:
    """A pipe hides that pg_dump failed: what gzip wrote is whole, the text in it is not."""
    path = pg_dump.new(".sql.gz")
    text = pg_dump.dump("--format=plain")
    path.write_bytes(gzip.compress(text, 1))
    assert_answer(ask(pg_dump), ExitCode.OK, "backup", f"newest usable backup {path.name}")
    path.write_bytes(gzip.compress(text[: len(text) // 2], 1))
    assert_answer(ask(pg_dump), ExitCode.NO_WAY_BACK, "backup", "does not end as pg_dump ends")


def test_dump_without_data_does_not_replace_the_one_before(pg_dump: PgDump, ask: Ask) -> None:
    """Of the custom format the table of contents tells; of the plain format its size."""
    for format_, why in (("custom", "holds the data of none"), ("plain", "less than half of")):
        good = pg_dump.new(".dump")
        good.write_bytes(pg_dump.dump(f"--format={format_}"))
        good = good.rename(good.with_name(f"{pg_dump.database}-20200101T000000Z.dump"))
        empty = pg_dump.path(".dump")
        empty.write_bytes(pg_dump.dump(f"--format={format_}", "--schema-only"))
        done = ask(pg_dump, PRESYNC_BACKUP_MAX_AGE="999999h")
        usable = f"newest usable backup {good.name}"
        assert_answer(done, ExitCode.OK, "backup", f"{empty.name} ", why, usable)


def test_dumps_of_another_database_are_refused(
    pg_dump: PgDump, ask: Ask, primary: PostgresServer
) -> None:
    """The header tells whose they are, whatever the prefix is called."""
    pg_dump.new(".dump").write_bytes(pg_dump.dump("--format=custom"))
    theirs = ask(pg_dump, PRESYNC_URL=primary.url("postgres"))
    told = f"there are dumps of {pg_dump.database} only, the database is postgres"
    assert_answer(theirs, ExitCode.NO_WAY_BACK, "backup", told)


def test_dump_that_a_run_had_made_lets_it_pass_and_can_be_restored(
    primary: PostgresServer, binaries: Binaries, tls_s3: S3Server, ask: Ask
) -> None:
    """The whole way: no dump, one is made, the gate reads it in the bucket, pg_restore too."""
    with created_database(primary) as database, created_database(primary) as restored:
        database.execute(
            "CREATE SCHEMA crm; CREATE TABLE crm.t AS SELECT n FROM generate_series(1, 1000) AS n"
        )
        dumps = PgDump(binaries.folder / "pg_dump", primary, database.name, tls_s3)
        dumps.root.parent.mkdir(exist_ok=True)
        trigger = f"dump:s3://{BUCKET}/{database.name}"
        path = f"{binaries.folder}{os.pathsep}{os.environ['PATH']}"
        done = ask(dumps, "run", PRESYNC_BACKUP_TRIGGER=trigger, PATH=path)
        assert done.exit_code == ExitCode.OK, done.stderr
        (made,) = (item for item in dumps.root.rglob("*") if item.is_file())
        name = f"dump s3://{BUCKET}/{made.relative_to(tls_s3.root / BUCKET)}"
        assert name in {finding.get("backup") for finding in findings(done, "trigger")}
        program = binaries.folder / "pg_restore"
        subprocess.run([program, "--dbname", restored.conninfo, made], check=True)
        assert restored.query("SELECT count(*), sum(n) FROM crm.t") == [(1000, 500_500)]
        assert restored.query("SELECT to_regclass('shop_item')") == [(None,)]
