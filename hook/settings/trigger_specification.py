"""The settings that say how to make a backup when none is fresh."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hook.settings.durations import parse_positive_duration
from hook.settings.setting import Group, Setting, own, settings_in

if TYPE_CHECKING:
    from hook.settings.backup_trigger import BackupTrigger


def _parse_trigger(text: str) -> BackupTrigger:
    from hook.settings.backup_trigger import parse_backup_trigger  # noqa: PLC0415 - often unset

    return parse_backup_trigger(text)


BACKUP_TRIGGER: Setting[BackupTrigger | None] = own(
    Group.BACKUP,
    "backup_trigger",
    _parse_trigger,
    None,
    "TRIGGER",
    "How to make a backup when none is fresh, once: rds-snapshot, job:<namespace>/<cronjob>,"
    " cnpg:<namespace>/<cluster> or dump:s3://bucket/prefix. Unset: none is made.",
)
BACKUP_TRIGGER_TIMEOUT: Setting[timedelta] = own(
    Group.BACKUP,
    "backup_trigger_timeout",
    parse_positive_duration,
    "30m",
    "DURATION",
    "How long to wait for that backup; PRESYNC_DEADLINE ends the run all the same.",
)

TRIGGER_SETTINGS = settings_in(globals())
