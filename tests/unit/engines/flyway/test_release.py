"""Files to migrations: what is read, and every way in which files can be bad."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hook.core.outcome import Finding
from hook.core.scripts.checksum import checksum
from hook.core.scripts.script import Naming
from hook.errors import BadMigrationSet, ConfigError, ExitCode
from hook.settings.migrations import Execution, HistoryTable, MigrationSettings, Placeholders
from tests.testbed.release import SERVER, engine_on, refusal_of, with_sources, write_files

VIEW = "create or replace view rph as select '${mykey}'::text as x;"


def refusal(folder: Path, settings: MigrationSettings | None = None) -> Finding:
    """Return why the release in *folder* is refused."""
    finding = refusal_of(engine_on(folder, settings=settings))
    assert finding.hint.endswith(".")
    return finding


def test_release_is_read_with_its_checksums(tmp_path: Path) -> None:
    """Scripts of all folders, in running order."""
    write_files(tmp_path, {"sub/V1_1__x.sql": "select 1;\n", "V1__a.sql": "SELECT 1;\r\n"})
    first, second = engine_on(tmp_path).resolve(None).migrations
    assert (first.script, first.checksum, first.raw_checksum) == ("V1__a.sql", 78787420, 78787420)
    assert (second.script, second.checksum) == ("sub/V1_1__x.sql", -690524359)
    assert second.path == f"{tmp_path}/sub/V1_1__x.sql"
    assert second.location == str(tmp_path)
    assert (second.in_transaction, second.encoding) == (None, "utf-8")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"select '\xe9';", "V1__a.sql line 1: byte 0xe9 is not utf-8"),
        (b"\n\x89PNG\r\n\x1a\n\0", "V1__a.sql line 2: byte 0x89 is not utf-8"),
        (b"\x7fELF\x02\x01\x01\0", "V1__a.sql line 1 holds a NUL byte: not a text file"),
        (
            "select 1;".encode("utf-16"),
            "V1__a.sql starts with the byte order mark of utf-16 but is read as utf-8",
        ),
    ],
)
def test_release_refuses_what_is_not_text(tmp_path: Path, content: bytes, problem: str) -> None:
    """Each kind of binary file has a text of its own."""
    write_files(tmp_path, {"V1__a.sql": content})
    error = refusal(tmp_path)
    assert (error.code, error.message) == (ExitCode.BAD_SET, problem)


def test_release_refuses_an_empty_or_missing_folder(tmp_path: Path) -> None:
    """Nothing found is never "nothing to do"; the hint names the setting."""
    empty = refusal(tmp_path)
    assert empty.message == f"location {tmp_path} holds no migration"
    missing = refusal(tmp_path / "gone")
    assert missing.message == f"location {tmp_path}/gone does not exist"
    assert "PRESYNC_LOCATIONS" in empty.hint
    assert "PRESYNC_LOCATIONS or as PATH of lint" in missing.hint


def test_release_whose_only_files_are_misnamed_is_told_to_rename_them(tmp_path: Path) -> None:
    """The folder is the right one, and another one is no remedy."""
    write_files(tmp_path, {"v1__x.sql": "", "README.md": ""})
    error = refusal(tmp_path)
    assert error.message == (
        f"location {tmp_path} holds no migration, only v1__x.sql: it begins with neither V, R, B,"
        " U nor the name of an event"
    )
    assert error.hint.startswith("Rename the named files by the convention, or remove them. If")


def test_release_names_problems_of_every_kind_at_once(tmp_path: Path) -> None:
    """What cannot be read, what is there twice, and what cannot be run."""
    write_files(
        tmp_path,
        {"V1__a.sql": b"\xff", "V2__b.sql": "", "V02__c.sql": "SELECT 1", "V3__d.sh": "ls"},
    )
    error = refusal(tmp_path)
    assert len(error.problems) == 3
    for problem in (
        "both are version 02",
        "V1__a.sql line 1: byte 0xff",
        "not supported: V3__d.sh",
    ):
        assert problem in error.message


def test_release_names_every_problem_at_once(tmp_path: Path) -> None:
    """Folder, pipe, dead link, other encoding, bad configuration, missing placeholder."""
    write_files(
        tmp_path,
        {
            "V1__a.sql": b"\xff",
            "V2__b.sql/x.txt": "",
            "V5__e.sql": "",
            "V5__e.sql.conf": "foo=1\nshouldExecute=${x}==1\n",
            "R__v.sql": "\n${one} ${two}",
            os.fsdecode(b"V6__\xe9.sql"): "",
        },
    )
    os.mkfifo(tmp_path / "V3__c.sql")
    (tmp_path / "V4__d.sql").symlink_to("gone")
    error = refusal(tmp_path)
    assert error.problems == (
        "R__v.sql line 2: no value for ${one}",
        "R__v.sql line 2: no value for ${two}",
        "V1__a.sql line 1: byte 0xff is not utf-8",
        "V2__b.sql is a folder",
        "V3__c.sql is not a regular file",
        "V4__d.sql is a link to nothing",
        "V5__e.sql.conf: shouldExecute line 1: no value for ${x}",
        "V5__e.sql.conf: unknown property 'foo'",
        "V6__\\udce9.sql: the name is not utf-8",
    )
    error.message.encode()


def test_release_refuses_duplicates(tmp_path: Path) -> None:
    """Both files are named in full, as they may be in different locations."""
    write_files(tmp_path, {"V1__a.sql": "select 1;", "x/V1.0__b.sql": "select 2;"})
    assert refusal(tmp_path).message == (
        f"{tmp_path}/V1__a.sql and {tmp_path}/x/V1.0__b.sql both are version 1"
    )


def test_release_refuses_by_name_what_flyway_would_run(tmp_path: Path) -> None:
    """Programs are not passed over in silence, be they migrations or callbacks."""
    write_files(tmp_path, {"V1__a.sql": "", "V2__b.sh": "", "afterMigrate.py": "", "V3__c": ""})
    error = refusal(tmp_path)
    assert error.code is ExitCode.UNSUPPORTED
    assert error.message == (
        "not supported: V2__b.sh (only scripts in SQL are run),"
        " V3__c (only scripts in SQL are run), afterMigrate.py (only scripts in SQL are run)"
    )


def test_release_tells_scripts_outside_of_the_convention(tmp_path: Path) -> None:
    """A remark, or an error when the team asked for it."""
    write_files(tmp_path, {"V1__a.sql": "", "sub/v2__b.sql": "", "notes.txt": ""})
    ignored = "sub/v2__b.sql: it begins with neither V, R, B, U nor the name of an event"
    assert engine_on(tmp_path).resolve(None).ignored == (ignored,)
    assert refusal(tmp_path, with_sources(naming=Naming(is_strict=True))).message == ignored


def test_script_config_changes_how_a_script_is_read(tmp_path: Path) -> None:
    """Encoding, transaction and placeholders; found without regard to case."""
    write_files(
        tmp_path,
        {
            "a/V1__a.sql": "SELECT 'é';\n".encode("latin-1"),
            "b/a/v1__A.SQL.conf": "",
            "a/V1__a.sql.CONF": "encoding=ISO-8859-1\nexecuteInTransaction=false\n",
            "a/R__v.sql": VIEW,
            "a/R__v.sql.conf": "placeholderReplacement=false",
        },
    )
    one, two = engine_on(tmp_path).resolve(None).migrations
    assert (one.checksum, one.encoding, one.in_transaction) == (1526126742, "iso8859-1", False)
    assert (two.checksum, two.replaces_placeholders) == (1408328702, False)
    assert engine_on(tmp_path).read_script(one, SERVER).decode() == "SELECT 'é';\n"
    assert engine_on(tmp_path).read_script(two, SERVER).decode() == VIEW
    write_files(tmp_path, {"a/R__v.sql.conf": b"\xff"})
    assert refusal(tmp_path).message == "a/R__v.sql.conf is not utf-8"


def test_repeatable_counts_with_its_placeholders_replaced(tmp_path: Path) -> None:
    """Both checksums are known; a versioned script counts as it is."""
    write_files(tmp_path, {"R__v.sql": VIEW, "V1__t.sql": "CREATE TABLE ${tableName} (id INT);"})
    settings = MigrationSettings(placeholders=Placeholders({"mykey": "v1", "tablename": "t"}))
    versioned, repeatable = engine_on(tmp_path, settings=settings).resolve(None).migrations
    assert (repeatable.checksum, repeatable.raw_checksum) == (1877710577, 1408328702)
    assert versioned.checksum == 1666308965
    off = MigrationSettings(placeholders=Placeholders(is_replacing=False))
    _, repeatable = engine_on(tmp_path, settings=off).resolve(None).migrations
    assert repeatable.checksum == 1408328702


def test_builtin_placeholders_have_flyways_values(tmp_path: Path) -> None:
    """Else every repeatable that uses them would run again after a swap."""
    names = (
        "defaultSchema", "user", "database", "filename", "table", "environment",
        "workingDirectory",
    )  # fmt: skip
    text = " ".join(f"${{flyway:{name}}}" for name in names)
    write_files(tmp_path, {"sub/R__v.sql": text})
    settings = MigrationSettings(history=HistoryTable(table="h", default_schema="sales"))
    engine = engine_on(tmp_path, settings=settings, cwd=Path("/work"))
    (migration,) = engine.resolve(SERVER).migrations
    expected = "sales app shop R__v.sql h default /work"
    assert engine.read_script(migration, SERVER).decode() == expected
    assert migration.checksum == checksum(expected.encode())


def test_timestamp_is_the_start_of_the_run_in_local_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fixed for the run, without zone."""
    import time  # noqa: PLC0415 - tzset belongs to this test alone

    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        write_files(tmp_path, {"R__v.sql": "${flyway:timestamp}"})
        engine = engine_on(tmp_path)
        (migration,) = engine.resolve(SERVER).migrations
        assert engine.read_script(migration, SERVER).decode() == "2026-03-01 20:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_script_is_read_as_it_is_sent(tmp_path: Path) -> None:
    """Without its byte order mark, placeholders replaced, line ends kept."""
    write_files(tmp_path, {"V1__a.sql": "\ufeffselect '${x}';\r\n"})
    settings = MigrationSettings(placeholders=Placeholders({"x": "é"}))
    engine = engine_on(tmp_path, settings=settings)
    (migration,) = engine.resolve(SERVER).migrations
    assert engine.read_script(migration, SERVER).decode() == "select 'é';\r\n"


def test_script_without_placeholder_value_is_refused(tmp_path: Path) -> None:
    """With the line, before it is sent."""
    write_files(tmp_path, {"V1__a.sql": "select 1;\nselect ${x};"})
    engine = engine_on(tmp_path)
    (migration,) = engine.resolve(SERVER).migrations
    with pytest.raises(BadMigrationSet) as raised:
        engine.read_script(migration, SERVER)
    assert raised.value.problems == ("V1__a.sql line 2: no value for ${x}",)
    assert "FLYWAY_PLACEHOLDERS_" in raised.value.hint


@pytest.mark.parametrize("content", [b"select 2;", b"\xff", None])
def test_script_that_changed_since_it_was_resolved_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    """What was judged is what is run."""
    write_files(tmp_path, {"V1__a.sql": "select 1;"})
    engine = engine_on(tmp_path)
    (migration,) = engine.resolve(SERVER).migrations
    path = tmp_path / "V1__a.sql"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(BadMigrationSet, match=r"V1__a.sql is not what it was"):
        engine.read_script(migration, SERVER)


def test_default_for_all_scripts_may_be_no_transaction(tmp_path: Path) -> None:
    """A script's own configuration still wins."""
    write_files(
        tmp_path,
        {"V1__a.sql": "", "V2__b.sql": "", "V2__b.sql.conf": "executeInTransaction=true"},
    )
    settings = MigrationSettings(execution=Execution(in_transaction=False))
    found = engine_on(tmp_path, settings=settings).resolve(None).migrations
    assert [item.in_transaction for item in found] == [False, True]


def test_unknown_encoding_is_a_wrong_setting(tmp_path: Path) -> None:
    """Not a problem of the files."""
    write_files(tmp_path, {"V1__a.sql": ""})
    with pytest.raises(ConfigError, match="FLYWAY_ENCODING"):
        engine_on(tmp_path, settings=with_sources(encoding="utf-9")).resolve(None)


def test_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    """Neither checksum nor text depends on where the pieces are cut."""
    text = "x" * 65535 + "é" * 70000 + "\n"
    write_files(tmp_path, {"V1__a.sql": text})
    engine = engine_on(tmp_path)
    (migration,) = engine.resolve(None).migrations
    assert migration.checksum == checksum(text.encode())
    assert engine.read_script(migration, SERVER).decode() == text


def test_schema_of_the_history_is_set_or_the_sessions_own() -> None:
    """defaultSchema, first of schemas, current schema, a schema still to be created."""

    def place(schema: str | None, path: str, **fields: object) -> tuple[str, ...]:
        """Return the schema of the history, and behind it all in the order of the list."""
        table = HistoryTable(**fields)  # type: ignore[arg-type]  # test input
        engine = engine_on("/x", settings=MigrationSettings(history=table))
        found = engine.history_place(SERVER._replace(schema=schema, search_path=path))
        return found.schema, *found.schemas

    assert place("public", "public", default_schema="a", schemas=("b", "a")) == ("a", "b", "a")
    assert place("public", "public", schemas=("b", "a")) == ("b", "b", "a")
    assert place("public", "public", default_schema="c", schemas=("b", "a")) == ("c", "c", "b", "a")
    assert place("public", "public") == ("public", "public")
    assert place(None, '"My ""App"') == ('My "App', 'My "App')
    for path in ("", '"$user", public', '"$user"'):
        with pytest.raises(ConfigError, match="FLYWAY_DEFAULT_SCHEMA"):
            place(None, path)
