"""Dumps over every store, to verdicts."""

from __future__ import annotations

import bz2
import gzip
import lzma
from datetime import timedelta

import lz4.frame
import pytest
import zstandard

from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.dump_form import DumpForm
from hook.core.outcome import Finding
from hook.errors import ExitCode
from hook.settings.backup_source import parse_backup_source
from tests.contract.conftest import Place
from tests.contract.dump_cases import CASES, NAMED_CASES
from tests.contract.verdict import Case, assert_verdict
from tests.fakes import NOON
from tests.testbed.backup_gate import judge_source
from tests.testbed.dump_place import SAMPLES, DumpPlace, sample

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


PLAIN = (SAMPLES / "plain.sql").read_bytes()
MINUTES = timedelta(minutes=19)
FORMS = {
    "custom": (sample("custom.dump", NOON), DumpForm.ARCHIVE),
    "tar": (sample("dump.tar", NOON), DumpForm.ARCHIVE),
    "plain": (PLAIN, DumpForm.PLAIN),
    "plain-create": (sample("plain-create.sql", NOON), None),
    "gzip": (gzip.compress(PLAIN), DumpForm.GZIP),
    "bzip2": (bz2.compress(PLAIN), DumpForm.BZIP2),
    "xz": (lzma.compress(PLAIN), DumpForm.XZ),
    "lz4": (lz4.frame.compress(PLAIN), DumpForm.LZ4),
    "zstd": (zstandard.compress(PLAIN), DumpForm.ZSTD),
}


def _form_of(place: Place) -> DumpForm | None:
    source = parse_backup_source(f"dump:{place.url}")
    catalogs = open_catalogs(source, Access(place.settings, DATABASE))
    (backup,) = catalogs.backups.read_evidence().backups
    return backup.form


@pytest.mark.parametrize("name", FORMS)
def test_catalog_tells_what_restores_a_dump(directory_place: Place, name: str) -> None:
    """By what is in the file, whatever it is called."""
    data, form = FORMS[name]
    DumpPlace(directory_place.root).put("shop-{}.dump", data, MINUTES)
    assert _form_of(directory_place) is form


def test_catalog_tells_a_directory_dump_from_a_file(directory_place: Place) -> None:
    """It is another option of what fetches it."""
    DumpPlace(directory_place.root).add_directory("shop-{}")
    assert _form_of(directory_place) is DumpForm.DIRECTORY


def test_dump_whose_name_no_line_can_hold_is_not_restored(directory_place: Place) -> None:
    """As it would be printed, it leads to no file."""
    DumpPlace(directory_place.root).put("shop\n-{}.sql", PLAIN, MINUTES)
    assert _form_of(directory_place) is None
