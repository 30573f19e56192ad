"""The backup gate over every store: good and damaged repositories to verdicts."""

from __future__ import annotations

import shutil

import pytest

from hook.catalogs.opening import Access
from hook.errors import ExitCode
from tests.contract.conftest import Place
from tests.contract.pgbackrest_cases import CASES
from tests.contract.verdict import Case, assert_verdict
from tests.contract.walg_cases import CASES as WALG_CASES
from tests.testbed.backup_gate import fresh_repository, judge_source, run_gate
from tests.testbed.pgbackrest_repository import Repository
from tests.testbed.walg_repository import SYSTEM_IDENTIFIER as WALG_IDENTIFIER
from tests.testbed.walg_repository import Prefix, fresh_prefix

EVERYWHERE = pytest.mark.parametrize("place", ["directory", "s3"], indirect=True)


@EVERYWHERE
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gate_gives_each_repository_its_verdict(place: Place, case: Case[Repository]) -> None:
    """Code, status and reasons are the same over a directory and over S3."""
    case.make(fresh_repository(place.root))
    assert_verdict(run_gate(place.url, place.settings), case)


@EVERYWHERE
@pytest.mark.parametrize("case", WALG_CASES, ids=lambda case: case.name)
def test_gate_gives_each_walg_prefix_its_verdict(place: Place, case: Case[Prefix]) -> None:
    """Code, status and reasons are the same over a directory and over S3."""
    case.make(fresh_prefix(place.root))
    findings = judge_source(f"walg:{place.url}", Access(place.settings), WALG_IDENTIFIER)
    assert_verdict(findings, case)


@EVERYWHERE
def test_gate_lists_the_stanzas_that_are_there(place: Place) -> None:
    """A stanza by another name is refused with the names to choose from."""
    repository = fresh_repository(place.root)
    shutil.copytree(repository.stanza, repository.root / "backup" / "shop")
    (finding,) = run_gate(place.url, place.settings, stanza="main")
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-source")
    assert (
        finding.message
        == f"there is no pgBackRest stanza main in {place.url}; stanzas there: app, shop"
    )


@EVERYWHERE
def test_gate_names_a_bucket_or_directory_that_is_not_there(place: Place) -> None:
    """Nothing at all under the name that the settings give is a refusal, not a riddle."""
    (finding,) = run_gate(place.outside, place.settings)
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-source")
    assert place.outside.removeprefix("s3://").removesuffix("/repo") in finding.message
    assert "PRESYNC_BACKUP_SOURCE" in finding.hint


@EVERYWHERE
def test_gate_on_an_empty_place_finds_no_stanza(place: Place) -> None:
    """An empty bucket or directory answers, and says that nothing is there."""
    (finding,) = run_gate(place.url, place.settings)
    assert finding.code is ExitCode.NO_WAY_BACK
    assert "no stanza is there, folders: none" in finding.message


@EVERYWHERE
def test_gate_on_a_prefix_too_short_names_the_folders(place: Place) -> None:
    """Who forgot the last part of the prefix sees it in the answer."""
    repository = fresh_repository(place.root)
    shutil.copytree(repository.root, repository.root / "pg")
    shutil.rmtree(repository.root / "backup")
    shutil.rmtree(repository.root / "archive")
    (finding,) = run_gate(place.url, place.settings)
    assert "no stanza is there, folders: pg" in finding.message
