"""One contract over all backup systems: the same state, the same verdict.

Each system has a suite of its own besides, over every store it can lie in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hook.core.outcome import Finding, Status, deciding_finding
from hook.errors import ExitCode
from hook.settings.backup_source import BackupSystem
from tests.contract.contract import ArchiveLine, Line, Meaningless, Verdict
from tests.contract.every_system import SYSTEMS
from tests.contract.system_judges import System
from tests.contract.verdict import text_of


def _parameters(cells: Callable[[System], Mapping[Any, Any]]) -> list[Any]:
    """Return system, line and case of all *cells* that mean something."""
    return [
        pytest.param(name, line, case, id=f"{name}-{line.name.lower()}")
        for name, system in SYSTEMS.items()
        for line, case in cells(system).items()
        if not isinstance(case, Meaningless)
    ]


def _verdict(findings: tuple[Finding, ...]) -> Verdict:
    """Return what decides, and the worst of what is told."""
    decisive = deciding_finding(findings)
    code = ExitCode.OK if decisive is None else decisive.code
    return code, max((item.status for item in findings), key=list(Status).index)


def test_every_system_is_in_the_contract() -> None:
    """Each that a source can name, and each line of each, or the reason why not."""
    wanted = {system.value for system in BackupSystem} - {BackupSystem.NONE.value}
    assert {name.removesuffix("-cluster") for name in SYSTEMS} == wanted
    for system in SYSTEMS.values():
        assert set(system.lines) == set(Line)
        assert set(system.archive) == set(ArchiveLine)
        cells = (*system.lines.values(), *system.archive.values())
        reasons = [cell.reason for cell in cells if isinstance(cell, Meaningless)]
        assert all(len(reason) > 20 for reason in reasons)


@pytest.mark.parametrize(("name", "line", "case"), _parameters(lambda system: system.lines))
def test_state_has_its_verdict(tmp_path: Path, name: str, line: Line, case: str) -> None:
    """The backup gate says of each system what the contract says of the state."""
    findings = SYSTEMS[name].judge(tmp_path, case)
    assert _verdict(findings) in line.verdicts, text_of(findings)


@pytest.mark.parametrize(("name", "line", "case"), _parameters(lambda system: system.archive))
def test_archive_has_its_verdict(tmp_path: Path, name: str, line: ArchiveLine, case: Any) -> None:
    """The archive gate does, too: by segments, or by what a managed service restores to."""
    findings = SYSTEMS[name].judge_archive(tmp_path, line, case)
    assert _verdict(findings) in line.verdicts, text_of(findings)
