"""The backup gate over every store: good and damaged repositories to verdicts."""

from __future__ import annotations

import shutil

import pytest

from hook.core.outcome import Finding, Status, deciding_finding
from hook.errors import ExitCode
from tests.contract.conftest import Place
from tests.contract.pgbackrest_cases import CASES, Case
from tests.testbed.backup_gate import fresh_repository, run_gate
from tests.testbed.s3_server import SECRET_KEY

EVERYWHERE = pytest.mark.parametrize("place", ["directory", "s3"], indirect=True)


def told(findings: tuple[Finding, ...]) -> str:
    """Return every message in *findings*, after a look that none tells the secret."""
    text = "\n".join(finding.message for finding in findings)
    assert SECRET_KEY not in repr(findings)
    return text


@EVERYWHERE
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gate_gives_each_repository_its_verdict(place: Place, case: Case) -> None:
    """Code, status and reasons are the same over a directory and over S3."""
    case.make(fresh_repository(place.root))
    findings = run_gate(place.url, place.settings)
    decisive = deciding_finding(findings)
    text = told(findings)
    assert (ExitCode.OK if decisive is None else decisive.code) is case.code, text
    assert max(findings, key=lambda item: list(Status).index(item.status)).status is case.status
    for part in case.told:
        assert part in text
    assert all(item.hint for item in findings if item.status is not Status.PASSED)


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
