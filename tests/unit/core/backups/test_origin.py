"""Whose backups a catalog holds."""

from __future__ import annotations

import pytest

from hook.core.backups.origin import Origin, ServerIdentity, judge_origin
from hook.core.outcome import Status
from hook.errors import ExitCode

SERVER = ServerIdentity("42", "Shop.example.com.", "shop")


@pytest.mark.parametrize(
    "origin",
    [
        Origin("42", hosts=("elsewhere",), databases=("other",)),
        Origin(hosts=("reader.example.com", "shop.Example.com"), databases=("other",)),
        Origin(databases=("other", "shop")),
    ],
    ids=["cluster", "host", "database"],
)
def test_origin_is_the_database(origin: Origin) -> None:
    """The strongest that is told decides; host names know no case and no final dot."""
    assert judge_origin("the catalog", origin, SERVER) is None


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        (Origin("43"), "the catalog holds backups of cluster 43, the database is in 42"),
        (
            Origin(hosts=("a.eu", "b.eu")),
            "the catalog is reached as a.eu or b.eu, the database as Shop.example.com.",
        ),
        (
            Origin(databases=("Shop", "other")),
            "there are dumps of Shop, other only, the database is shop; looked in the catalog",
        ),
    ],
    ids=["cluster", "host", "database"],
)
def test_backups_of_another_database_are_no_way_back(origin: Origin, message: str) -> None:
    """Fresh and complete as they may be."""
    finding = judge_origin("the catalog", origin, SERVER)
    assert finding is not None
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-cluster")
    assert finding.message == message
    assert finding.hint


@pytest.mark.parametrize(
    ("origin", "server", "side", "hint"),
    [
        (Origin("42"), SERVER._replace(system_identifier=None), "the server", "pg_control_system"),
        (Origin(), SERVER, "the catalog", "Name a backup source"),
    ],
    ids=["server", "catalog"],
)
def test_what_nobody_tells_is_unknown(
    origin: Origin, server: ServerIdentity, side: str, hint: str
) -> None:
    """Never an all-clear."""
    finding = judge_origin("the catalog", origin, server)
    assert finding is not None
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert finding.message.startswith(f"{side} does not tell its system identifier")
    assert hint in finding.hint
