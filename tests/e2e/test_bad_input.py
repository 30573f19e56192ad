"""Bad files and settings: a code of its own, one line that helps, and nothing written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.refusal import CANARY, Attempt, Refusal
from tests.testbed.release import write_files

PENDING = {"V2__x.sql": "CREATE TABLE x ()"}
# As long as the names that managed services give.
LONG_NAME = "shop-production.cluster-c1abcdefghij.ap-southeast-2.rds.example.com"
LONG_SCRIPT = f"V2__{'add_the_column_' * 13}x.sql"
DEEP = "a_folder_of_scripts/" * 12
LITERAL = "jdbc:postgresql://$(POSTGRES_HOST):5432/shop"


@dataclass(frozen=True)
class Case:
    """A way to be wrong.

    Attributes:
        files: Added to a release that is otherwise good.
        env: What is set otherwise.
        make: Further changes to the folder of the release.
    """

    expected: Refusal
    files: Mapping[str, str | bytes] = field(default_factory=lambda: PENDING)
    env: Mapping[str, str] = field(default_factory=dict)
    make: Callable[[Path], object] = lambda _: None


def _bad_file(
    named: str, content: str | bytes, name: str = "V2__x.sql", hint: str = "Correct the named"
) -> Case:
    return Case(Refusal(ExitCode.BAD_SET, named, hint=hint), PENDING | {name: content})


def _bad_folder(named: str, make: Callable[[Path], object], hint: str) -> Case:
    return Case(Refusal(ExitCode.BAD_SET, named, hint=hint), make=make)


def _bad_setting(named: str, **env: str) -> Case:
    return Case(Refusal(ExitCode.CONFIG, named), env=env)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _forbid(folder: Path) -> None:
    """Make a script that cannot be read; root can be kept out by a link to nothing only."""
    script = folder / "V3__locked.sql"
    if os.geteuid() == 0:
        script.symlink_to(folder / "nowhere.sql")
    else:
        script.touch(0o000)


def _lose(folder: Path) -> None:
    """Leave a link in the place of the folder."""
    folder.rename(folder.with_name("moved"))
    folder.symlink_to("gone")


_MAY_NOT = "the link" if os.geteuid() == 0 else "the user that presync runs as"
CASES = {
    "empty folder": _bad_folder("/sql", _empty, "PRESYNC_LOCATIONS"),
    "no folder": _bad_folder("/sql", shutil.rmtree, "PRESYNC_LOCATIONS"),
    "unreadable file": _bad_folder("V3__locked.sql", _forbid, _MAY_NOT),
    "folder named as a file": _bad_folder(
        "V3__f.sql", lambda sql: (sql / "V3__f.sql").mkdir(), "Put a file"
    ),
    "pipe": _bad_folder("V3__p.sql", lambda sql: os.mkfifo(sql / "V3__p.sql"), "Put a file"),
    "link to nothing": _bad_folder(
        "V3__n.sql", lambda sql: (sql / "V3__n.sql").symlink_to("gone"), "the link"
    ),
    "folder that is a link to nothing": _bad_folder("/sql is a link to nothing", _lose, "the link"),
    "empty file": _bad_file("V2__x.sql", "", hint="Write the migration into"),
    "binary file": _bad_file("V2__x.sql", b"\x7fELF\x02\x00\xff", hint="Save it as text"),
    "NUL in a file": _bad_file("V2__x.sql", b"SELECT\n1\x00", hint="Save it as text"),
    "UTF-16 that nobody declared": _bad_file(
        "V2__x.sql", "SELECT 1;".encode("utf-16"), hint="FLYWAY_ENCODING"
    ),
    "version of 60 digits": _bad_file(
        f"V{'9' * 60}__x.sql", "SELECT 1", f"V{'9' * 60}__x.sql", "Shorten it"
    ),
    "other client_encoding": _bad_file("V2__x.sql:2: client_e", "\nSET client_encoding = LATIN1"),
    "COPY without an end": _bad_file("V2__x.sql:1: COPY data", "COPY t FROM stdin;\n1\n"),
    "duplicate versions": _bad_file("V02__y.sql", "SELECT 1", "V02__y.sql", "a version of its own"),
    "duplicate versions in deep folders": Case(
        Refusal(ExitCode.BAD_SET, "/a/V2__x.sql and …/b/V02__x.sql both are version 2;"),
        {f"{DEEP}a/V2__x.sql": "SELECT 1", f"{DEEP}b/V02__x.sql": "SELECT 1"},
    ),
    "unterminated quote": _bad_file("V2__x.sql:2: unterminated", "SELECT 1;\nSELECT 'x;\n"),
    "syntax error": _bad_file("V2__x.sql:2 42601", "SELECT 1;\nSELEC 2"),
    "applied file edited": Case(
        Refusal(ExitCode.DRIFT, "V1__t.sql"), PENDING | {"V1__t.sql": "CREATE TABLE t (a int)"}
    ),
    "applied file missing": Case(
        Refusal(ExitCode.DRIFT, "V1__t.sql"), make=lambda sql: (sql / "V1__t.sql").unlink()
    ),
    "SQL error": Case(
        Refusal(ExitCode.SQL_FAILED, "V2__x.sql:5 42P01", "; rolled back, at 1"),
        {"V2__x.sql": "CREATE TABLE x ();\n\n-- why\nSELECT *\nFROM nowhere;\n"},
    ),
    "SQL error in a script of a long name": Case(
        Refusal(
            ExitCode.SQL_FAILED,
            'column_x.sql:3 42703 column "emial" does not exist',
            "; rolled back, at 1",
        ),
        {LONG_SCRIPT: "CREATE TABLE x ();\n\nSELECT emial FROM x;\n"},
    ),
    "no server": Case(
        Refusal(ExitCode.UNREACHABLE, "127.0.0.1:1/shop"),
        env={
            "PRESYNC_URL": f"postgresql://u:{CANARY}@127.0.0.1:1/shop",
            "PRESYNC_WAIT_TIMEOUT": "300ms",
        },
    ),
    "no server behind a long name": Case(
        Refusal(ExitCode.UNREACHABLE, "Connection refused"),
        env={
            "PRESYNC_URL": f"postgresql://app@{LONG_NAME}:1/shop?hostaddr=127.0.0.1",
            "PRESYNC_WAIT_TIMEOUT": "300ms",
        },
    ),
    "no server behind a socket": Case(
        Refusal(ExitCode.UNREACHABLE, "/nowhere/.s.PGSQL.5432"),
        env={"PRESYNC_URL": "host=/nowhere dbname=shop", "PRESYNC_WAIT_TIMEOUT": "300ms"},
    ),
    "no host": Case(
        Refusal(ExitCode.UNREACHABLE, "socket", hint="Name the host"),
        env={"PRESYNC_URL": "port=1 dbname=shop", "PRESYNC_WAIT_TIMEOUT": "300ms"},
    ),
    "port that cannot be": _bad_setting(
        "POSTGRES_PORT", PRESYNC_URL="", POSTGRES_HOST="h", POSTGRES_PORT="99999"
    ),
    "no database setting": _bad_setting("PRESYNC_URL", PRESYNC_URL=""),
    "misspelled setting": _bad_setting("PRESYNC_LOCK_WAIT?", PRESYNC_LOCK_WAITS="3s"),
    "password not encoded": _bad_setting(
        "a password that is not percent-encoded?",
        PRESYNC_URL=f"postgresql://u:{CANARY}@x@h/shop",
    ),
    "no URL of PostgreSQL": _bad_setting(
        "nor key=value pairs", PRESYNC_URL=f"mysql://u:{CANARY}@h/shop"
    ),
    "no JDBC URL of PostgreSQL": _bad_setting(
        "is not a JDBC URL of PostgreSQL", PRESYNC_URL="", FLYWAY_URL=f"jdbc:h2://u:{CANARY}@h"
    ),
    "literal reference": _bad_setting(
        "$(POSTGRES_HOST), which Kubernetes left alone: POSTGRES_HOST is not defined",
        PRESYNC_URL="", FLYWAY_URL=LITERAL, FLYWAY_USER="u", FLYWAY_PASSWORD=CANARY,
    ),
    "two databases": _bad_setting(
        "DATABASE_URL", DATABASE_URL=f"postgres://u:{CANARY}@elsewhere/other"
    ),
    "not the database expected": _bad_setting("prod", PRESYNC_EXPECT_DATABASE="prod"),
    "gate without a source": _bad_setting("PRESYNC_BACKUP_SOURCE", PRESYNC_BACKUP_SOURCE=""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_told_in_one_line(name: str, attempt: Attempt) -> None:
    """The object and the next step; no traceback, no secret, and nothing written."""
    case = CASES[name]
    folder = attempt.deployment.folder / "sql"
    write_files(folder, case.files)
    case.make(folder)
    attempt.assert_refused(case.expected, case.env)


def test_wrong_password_is_told_in_one_line(attempt: Attempt) -> None:
    """The server's refusal is no reason to wait, and neither password is told."""
    wrong = Role(attempt.role.name, f"{CANARY}-wrong")
    url = attempt.deployment.database.url_for(wrong)
    attempt.assert_refused(Refusal(ExitCode.AUTH, wrong.name), {"PRESYNC_URL": url})


@pytest.mark.parametrize("kind", ["pgpass", "flyway.conf"])
def test_wrong_password_in_a_file_is_told_in_one_line(kind: str, attempt: Attempt) -> None:
    """Whether libpq reads the file or presync does, what stands in it is not told."""
    database, name = attempt.deployment.database, attempt.role.name
    file = attempt.deployment.folder / kind
    file.touch(0o600)
    url = database.url_for(Role(name))
    if kind == "pgpass":
        file.write_text(f"*:*:*:*:{CANARY}-wrong\n")
        env = {"PRESYNC_URL": url, "PGPASSFILE": str(file)}
    else:
        place = f"jdbc:postgresql://{database.server.host}:{database.server.port}/{database.name}"
        file.write_text(f"flyway.url={place}\nflyway.user={name}\nflyway.password={CANARY}-wrong\n")
        env = {"PRESYNC_URL": "", "FLYWAY_CONFIG_FILES": str(file)}
    attempt.assert_refused(Refusal(ExitCode.AUTH, f'failed for user "{name}"'), env)


def test_database_that_does_not_exist_is_told_in_one_line(
    attempt: Attempt, server: PostgresServer
) -> None:
    """No wait creates it."""
    url = server.url("no-such-shop", attempt.role.name, CANARY)
    attempt.assert_refused(Refusal(ExitCode.CONFIG, "no-such-shop"), {"PRESYNC_URL": url})


def test_standby_is_told_in_one_line(attempt: Attempt, standby: PostgresServer) -> None:
    """A standby may become the primary within the wait; this one does not."""
    url = standby.url("postgres", "postgres")
    env = {"PRESYNC_URL": url, "PRESYNC_WAIT_TIMEOUT": "500ms"}
    attempt.assert_refused(Refusal(ExitCode.UNREACHABLE, "standby"), env)
