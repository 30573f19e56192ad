"""Dumps over every store, to verdicts."""

from __future__ import annotations

import pytest

from hook.catalogs.opening import Access, open_catalogs
from hook.core.outcome import Finding
from hook.errors import ExitCode
from hook.settings.backup_source import parse_backup_source
from tests.contract.conftest import Place
from tests.contract.dump_cases import CASES, NAMED_CASES
from tests.contract.verdict import Case, assert_verdict
from tests.testbed.backup_gate import judge_source
from tests.testbed.dump_place import DumpPlace

DATABASE = "shop"
EVERYWHERE = pytest.mark.parametrize("place", ["directory", "s3"], indirect=True)


def gate(place: Place, database: str | None = None) -> tuple[Finding, ...]:
    """Return what the gate says of the dumps at *place*."""
    return judge_source(
        f"dump:{place.url}", Access(place.settings, database), "7", database=DATABASE
    )


@EVERYWHERE
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gate_gives_each_dump_its_verdict(place: Place, case: Case[DumpPlace]) -> None:
    """Code, status and reasons are the same over a directory and over S3."""
    case.make(DumpPlace(place.root))
    assert_verdict(gate(place), case)


@EVERYWHERE
@pytest.mark.parametrize("case", NAMED_CASES, ids=lambda case: case.name)
def test_gate_takes_the_named_database_for_that_of_plain_dumps(
    place: Place, case: Case[DumpPlace]
) -> None:
    """They do not tell, and only those with the name in theirs are looked at."""
    case.make(DumpPlace(place.root))
    assert_verdict(gate(place, DATABASE), case)


@EVERYWHERE
def test_gate_names_a_place_that_is_not_there(place: Place) -> None:
    """A bucket or directory by a wrong name is a refusal, not a riddle."""
    (finding,) = judge_source(
        f"dump:{place.outside}", Access(place.settings), "7", database=DATABASE
    )
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-source")


@pytest.mark.parametrize(
    ("name", "is_archive"), [("custom.dump", True), ("dump.tar", True), ("plain-create.sql", False)]
)
def test_catalog_tells_what_pg_restore_reads(
    directory_place: Place, name: str, *, is_archive: bool
) -> None:
    """By what is in the file, whatever it is called."""
    DumpPlace(directory_place.root).add("shop-{}.dump", name)
    source = parse_backup_source(f"dump:{directory_place.url}")
    catalogs = open_catalogs(source, Access(directory_place.settings))
    (backup,) = catalogs.backups.read_evidence().backups
    assert backup.is_archive is is_archive
