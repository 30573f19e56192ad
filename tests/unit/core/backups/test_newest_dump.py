"""Which dump a restore would take: the newest usable one, if something restores it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hook.core.backups.backup import Backup, BackupType, Evidence, Presence
from hook.core.backups.dump_form import DumpForm
from hook.core.backups.freshness import judge_freshness, newest_dump
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.backups.usability import FreshnessPolicy

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)


def _dump(
    label: str, hours: int, *problems: str, form: DumpForm | None = DumpForm.ARCHIVE
) -> Backup:
    started_at = NOW - timedelta(hours=hours)
    return Backup(
        label=label,
        type=BackupType.DUMP,
        started_at=started_at,
        stopped_at=started_at,
        error=False,
        database="shop",
        presence=Presence.COMPLETE,
        problems=problems,
        form=form,
    )


def _newest(*dumps: Backup, database: str = "shop") -> str | None:
    evidence = Evidence("the dumps", dumps, "the dump", "dump", "dump", Origin(databases=("shop",)))
    policy = FreshnessPolicy(timedelta(hours=24), ServerIdentity("7", database=database))
    newest = newest_dump(judge_freshness(evidence, policy, NOW))
    return None if newest is None else newest.label


def test_newest_usable_dump_is_the_one_to_restore() -> None:
    """A newer one that was cut is passed over."""
    assert _newest(_dump("older", 2), _dump("cut", 1, "was cut")) == "older"
    assert _newest(_dump("cut", 1, "was cut")) is None


def test_older_dump_does_not_stand_in_for_one_that_nothing_restores() -> None:
    """It shows the database of another moment than the gate has told."""
    assert _newest(_dump("older", 2), _dump("odd", 1, form=None)) is None


def test_dump_of_another_database_is_not_restored() -> None:
    """It would be somebody else's data, also where the dump itself does not tell whose it is."""
    assert _newest(_dump("theirs", 1), database="crm") is None
    assert _newest(replace(_dump("untold", 1), database=None), database="crm") is None
