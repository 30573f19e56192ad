"""Compares the dump that a restore would take with the database itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hook.core.backups.dump_size import doubt_dump_size
from hook.core.backups.freshness import newest_dump
from hook.postgres.database_size import fetch_database_size

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.pipeline.journal import Journal
    from hook.postgres.session import Session


def judge_with_size(
    journal: Journal, session: Session, judge: Callable[[], tuple[Finding, ...]]
) -> tuple[Finding, ...]:
    """Return what *judge* finds of the backups, and whether the dump among them is too small.

    The server is asked only where the newest usable backup is a dump.
    """
    findings = judge()
    freshness = journal.freshness
    dump = None if freshness is None else newest_dump(freshness)
    size = None if dump is None else fetch_database_size(session)
    if freshness is None or dump is None or size is None:
        return findings
    doubt = doubt_dump_size(dump, size)
    if doubt is None:
        return findings
    journal.note_backups(freshness._replace(doubt=doubt))
    return (*findings, doubt.finding)
