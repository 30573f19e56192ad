"""The settings that say where the backups are, and every way to get them wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.errors import ConfigError
from hook.settings.backup_source import (
    BackupSource,
    BackupSystem,
    CommandLocation,
    DirectoryLocation,
    RdsKind,
    RdsLocation,
    S3Location,
    parse_backup_source,
    parse_s3_endpoint,
    parse_stanza,
)
from tests.unit.settings.test_load import load

CANARY = "canary-secret"
PGBACKREST = BackupSystem.PGBACKREST


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("none", BackupSource(BackupSystem.NONE)),
        (" none ", BackupSource(BackupSystem.NONE)),
        ("pgbackrest:/repo", BackupSource(PGBACKREST, DirectoryLocation("/repo"))),
        ("pgbackrest:tests/repo", BackupSource(PGBACKREST, DirectoryLocation("tests/repo"))),
        ("pgbackrest:s3://shop", BackupSource(PGBACKREST, S3Location("shop"))),
        ("pgbackrest:s3://shop/", BackupSource(PGBACKREST, S3Location("shop"))),
        ("pgbackrest:s3://shop/a/b", BackupSource(PGBACKREST, S3Location("shop", "a/b"))),
        ("walg:/repo", BackupSource(BackupSystem.WALG, DirectoryLocation("/repo"))),
        ("walg:s3://shop/wal/15", BackupSource(BackupSystem.WALG, S3Location("shop", "wal/15"))),
        ("command:/x", BackupSource(BackupSystem.COMMAND, CommandLocation(("/x",)))),
        (
            "command: x 'a b' --c=d # e",
            BackupSource(BackupSystem.COMMAND, CommandLocation(("x", "a b", "--c=d", "#", "e"))),
        ),
        ("barman:s3://shop/a", BackupSource(BackupSystem.BARMAN, S3Location("shop", "a"))),
        ("dump:/dumps", BackupSource(BackupSystem.DUMP, DirectoryLocation("/dumps"))),
        ("pgbackrest:s3://shop//a/b/", BackupSource(PGBACKREST, S3Location("shop", "a/b"))),
        ("rds:shop", BackupSource(BackupSystem.RDS, RdsLocation("shop"))),
        ("rds: Shop-1", BackupSource(BackupSystem.RDS, RdsLocation("shop-1"))),
        ("rds:cluster", BackupSource(BackupSystem.RDS, RdsLocation("cluster"))),
        (
            "rds:cluster/aur",
            BackupSource(BackupSystem.RDS, RdsLocation("aur", RdsKind.CLUSTER)),
        ),
    ],
)
def test_parse_backup_source_reads_system_and_place(text: str, source: BackupSource) -> None:
    """Slashes around the prefix do not matter: pgBackRest writes its path with one."""
    assert parse_backup_source(text) == source


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' does not start with a backup system"),
        ("/repo", "'/repo' does not start with a backup system"),
        ("s3://shop/repo", "'s3://shop/repo' does not start with a backup system"),
        ("none://x", "'none://x' does not start with a backup system"),
        ("restic:/repo", "'restic:/repo' does not start with a backup system"),
        ("PGBACKREST:/repo", "'PGBACKREST:/repo' does not start with a backup system"),
        ("none:/repo", "none takes no place"),
        ("pgbackrest", "'pgbackrest' does not start with a backup system"),
        ("pgbackrest:", "it names a backup system and no place"),
        ("rds:", "it names no instance or cluster of RDS"),
        ("rds:cluster/", "it names no instance or cluster of RDS"),
        ("rds:1shop", "'1shop' is not the identifier of an RDS instance or cluster"),
        ("rds:shop-", "'shop-' is not the identifier of an RDS instance or cluster"),
        ("rds:a--b", "'a--b' is not the identifier of an RDS instance or cluster"),
        (
            "rds:instance/shop",
            "'instance/shop' is not the identifier of an RDS instance or cluster",
        ),
        (
            "rds:arn:aws:rds:eu-1:1:db:x",
            "'arn:aws:rds:eu-1:1:db:x' is not the identifier of an RDS instance or cluster",
        ),
        (
            f"rds:{'a' * 64}",
            f"'{'a' * 64}' is not the identifier of an RDS instance or cluster",
        ),
        ("pgbackrest:s3://", "there is no bucket after s3://"),
        ("pgbackrest:s3:///repo", "there is no bucket after s3://"),
        ("pgbackrest:s3://s3://shop/repo", "s3:// stands in it twice"),
        ("pgbackrest:s3://shop/s3://shop/repo", "s3:// stands in it twice"),
        ("pgbackrest:s3:/shop/repo", "'s3:/shop/repo' is neither s3://bucket/prefix nor a path"),
        ("pgbackrest:gs://shop/repo", "'gs://shop/repo' is neither s3://bucket/prefix nor a path"),
        ("pgbackrest:file:///repo", "'file:///repo' is neither s3://bucket/prefix nor a path"),
        ("command:", "it names no command"),
        ("command:''", "it names no command"),
        ("command:x 'y", "the command cannot be taken apart: No closing quotation"),
        ("pgbackrest:s3://shop backups/x", "'shop backups' is not the name of a bucket"),
    ],
)
def test_parse_backup_source_names_the_mistake(text: str, problem: str) -> None:
    """Each mistake has its own words, and the hint shows what is supported."""
    with pytest.raises(ConfigError) as caught:
        parse_backup_source(text)
    assert caught.value.problems == (f"PRESYNC_BACKUP_SOURCE: {problem}",)
    assert (
        "pgbackrest:PLACE, walg:PLACE, barman:PLACE, dump:PLACE, rds:INSTANCE, "
        in caught.value.hint
    )
    assert "a PLACE is s3://bucket/prefix or /path" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        f"pgbackrest:s3://KEY:{CANARY}@shop/repo",
        f"s3://KEY:{CANARY}@shop/repo",
        f"pgbackrest:https://KEY:{CANARY}@minio/shop",
    ],
)
def test_parse_backup_source_does_not_repeat_credentials(text: str) -> None:
    """Keys in front of the bucket are a mistake that must not reach the log."""
    with pytest.raises(ConfigError) as caught:
        parse_backup_source(text)
    assert CANARY not in caught.value.message + caught.value.hint


@given(st.text())
def test_parse_backup_source_returns_or_raises_its_own_error(text: str) -> None:
    """No text ends in another exception."""
    try:
        source = parse_backup_source(text)
    except ConfigError as error:
        source = None
        problems = error.problems
    else:
        problems = ()
    assert (source is None) == bool(problems)


@pytest.mark.parametrize("text", ["app", " app ", "shop-db_1.eu"])
def test_parse_stanza_returns_a_name(text: str) -> None:
    """Blanks around the name do not count."""
    assert parse_stanza(text) == text.strip()


@pytest.mark.parametrize("text", [None, "", "  "])
def test_parse_stanza_demands_a_name(text: str | None) -> None:
    """A pgBackRest source without a stanza names no backups."""
    with pytest.raises(ConfigError, match="PRESYNC_BACKUP_STANZA is not set"):
        parse_stanza(text)


@pytest.mark.parametrize("text", ["..", "../app", "a/b", "-x", "a b", "$(rm)", "a\nb"])
def test_parse_stanza_refuses_what_is_no_name(text: str) -> None:
    """The name becomes part of a path and of the commands we print."""
    with pytest.raises(ConfigError, match="is not the name of a stanza"):
        parse_stanza(text)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("http://minio:9000", "http://minio:9000"),
        ("https://s3.example.com/", "https://s3.example.com"),
        ("https://[::1]:9000", "https://[::1]:9000"),
        (" https://10.0.0.7 ", "https://10.0.0.7"),
    ],
)
def test_parse_s3_endpoint_returns_the_url(text: str, endpoint: str) -> None:
    """Scheme, host and port are all there is to an endpoint."""
    assert parse_s3_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "minio:9000",
        "s3://shop",
        "https://",
        "https://minio/shop",
        "https://minio:port",
        f"https://KEY:{CANARY}@minio",
    ],
)
def test_parse_s3_endpoint_refuses_anything_else(text: str) -> None:
    """A bucket, a path or credentials in the endpoint are told, the latter unquoted."""
    with pytest.raises(ConfigError, match="PRESYNC_S3_ENDPOINT") as caught:
        parse_s3_endpoint(text)
    assert CANARY not in caught.value.message


@pytest.mark.parametrize(
    ("source", "hours"), [(None, 24), ("none", 24), ("barman:/backups", 24), ("dump:/dumps", 1)]
)
def test_dump_may_be_an_hour_old_unless_told_otherwise(source: str | None, hours: int) -> None:
    """Its age is what a restore of it loses."""
    environment = {} if source is None else {"PRESYNC_BACKUP_SOURCE": source}
    settings = load(environment)
    assert settings.backup.max_age == timedelta(hours=hours)
    shown = settings.provenance.given["backup_max_age"]
    assert (shown.text, shown.label) == (f"{hours}h", "default")
    told = load(environment | {"PRESYNC_BACKUP_MAX_AGE": "24h"}).backup.max_age
    assert told == timedelta(hours=24)
