"""The setting that says how to make a backup, and every way to get it wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.errors import ConfigError
from hook.settings.backup_source import S3Location
from hook.settings.backup_trigger import (
    BackupTrigger,
    ClusterTrigger,
    DumpTrigger,
    JobTrigger,
    SnapshotTrigger,
    parse_backup_trigger,
)
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs

CANARY = "canary-secret"


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        (" rds-snapshot ", SnapshotTrigger()),
        ("job:ops/shop-backup", JobTrigger("ops", "shop-backup")),
        ("cnpg:shop/shop.db", ClusterTrigger("shop", "shop.db")),
        ("dump:s3://dumps/shop/", DumpTrigger(S3Location("dumps", "shop"))),
    ],
)
def test_parse_backup_trigger_reads_kind_and_place(text: str, trigger: BackupTrigger) -> None:
    """Each kind has a form of its own."""
    assert parse_backup_trigger(text) == trigger


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' is no way to make a backup"),
        ("rds-snapshot:shop", "'rds-snapshot:shop' is no way to make a backup"),
        ("cronjob:ops/x", "'cronjob:ops/x' is no way to make a backup"),
        ("dump:/var/dumps", "'dump:/var/dumps' is no way to make a backup"),
        ("job:shop-backup", "there is no <namespace>/<name> of a CronJob in it"),
        ("job:/x", "'' is not the name of a namespace"),
        ("job:Ops/x", "'Ops' is not the name of a namespace"),
        ("job:ops/x/y", "'x/y' is not the name of a CronJob"),
        ("job:ops/../../secrets", "'../../secrets' is not the name of a CronJob"),
        ("cnpg:shop/", "'' is not the name of a cluster"),
        ("cnpg:shop/a?b", "'a?b' is not the name of a cluster"),
        ("dump:s3://", "there is no bucket after s3://"),
    ],
)
def test_parse_backup_trigger_names_the_mistake(text: str, problem: str) -> None:
    """What becomes part of a path has to be a name."""
    with pytest.raises(ConfigError) as caught:
        parse_backup_trigger(text)
    assert caught.value.problems == (f"PRESYNC_BACKUP_TRIGGER: {problem}",)
    assert "job:<namespace>/<cronjob>" in caught.value.hint


def test_parse_backup_trigger_does_not_repeat_credentials() -> None:
    """Keys in front of a bucket must not reach the log."""
    for text in (f"dump:s3://KEY:{CANARY}@shop/x", f"s3://KEY:{CANARY}@shop/x"):
        with pytest.raises(ConfigError) as caught:
            parse_backup_trigger(text)
        assert CANARY not in caught.value.message + caught.value.hint


@given(st.text())
def test_parse_backup_trigger_returns_or_raises_its_own_error(text: str) -> None:
    """No text ends in another exception."""
    try:
        trigger = parse_backup_trigger(text)
    except ConfigError as error:
        assert error.problems  # noqa: PT017 - a text that is none has a reason
    else:
        assert trigger is not None


def _load(**environment: str) -> object:
    variables = {f"PRESYNC_BACKUP_{name.upper()}": text for name, text in environment.items()}
    return load_settings(Inputs(environment=variables), Need.ANY_DATABASE).backup.trigger


@pytest.mark.parametrize(
    ("source", "trigger", "problem"),
    [
        ("none", "rds-snapshot", "rds-snapshot needs a PRESYNC_BACKUP_SOURCE of rds:"),
        ("pgbackrest:/x", "rds-snapshot", "rds-snapshot needs a PRESYNC_BACKUP_SOURCE of rds:"),
        ("rds:shop", "dump:s3://dumps", "dump: needs a PRESYNC_BACKUP_SOURCE of dump:s3://"),
        ("dump:/x", "dump:s3://dumps", "dump: needs a PRESYNC_BACKUP_SOURCE of dump:s3://"),
        (
            "dump:s3://dumps",
            "dump:s3://other",
            "dump: writes to another bucket than dumps of PRESYNC_BACKUP_SOURCE",
        ),
        (
            "dump:s3://dumps/nightly/hourly/shop",
            "dump:s3://dumps/nightly",
            "dump: does not write below nightly/hourly/shop/ of PRESYNC_BACKUP_SOURCE",
        ),
        *(
            (
                "dump:s3://dumps/nightly",
                f"dump:s3://dumps{place}",
                "dump: does not write below nightly/ of PRESYNC_BACKUP_SOURCE",
            )
            for place in ("/other", "/nightly-2", "/other/nightly")
        ),
    ],
)
def test_trigger_that_the_source_would_not_find_is_refused(
    source: str, trigger: str, problem: str
) -> None:
    """A backup in another place would be made in vain, after minutes."""
    with pytest.raises(ConfigError) as caught:
        _load(source=source, trigger=trigger)
    assert caught.value.problems == (f"PRESYNC_BACKUP_TRIGGER: {problem}",)


def test_trigger_needs_a_source() -> None:
    """Snapshots of what, nobody said."""
    with pytest.raises(ConfigError, match="rds-snapshot needs"):
        _load(trigger="rds-snapshot")


def test_trigger_and_source_may_fit() -> None:
    """What a Job does only its author knows."""
    assert _load(source="rds:shop", trigger="rds-snapshot") == SnapshotTrigger()
    assert _load(source="pgbackrest:/x", trigger="job:a/b") == JobTrigger("a", "b")
    assert _load(source="pgbackrest:/x") is None


@pytest.mark.parametrize(
    ("source", "trigger"),
    [
        ("", "/nightly"),
        ("/nightly", "/nightly"),
        ("/nightly/", "/nightly/shop"),
        ("", ""),
        ("/nightly/shop", "/nightly"),
        ("/shop", ""),
    ],
)
def test_dump_is_found_below_the_source(source: str, trigger: str) -> None:
    """However deep: the gate looks at whatever lies below. The database has a folder of its own."""
    made = _load(source=f"dump:s3://dumps{source}", trigger=f"dump:s3://dumps{trigger}")
    assert made == DumpTrigger(S3Location("dumps", trigger.strip("/")))
