"""A command of the user's own that goes bad at any moment it is asked."""

from __future__ import annotations

import shlex
from datetime import timedelta
from pathlib import Path

import pytest

from hook.catalogs.opening import Access
from hook.errors import ExitCode
from hook.settings.backup_source import S3Settings
from tests.contract.conftest import CANARY
from tests.contract.test_bad_storage import System, across, assert_told, judge
from tests.testbed.backup_gate import judge_source
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER
from tests.testbed.told_backups import edited

# For the backups, for the WAL, and for the segment of the marker.
QUESTIONS = 3
COMMAND = System(
    "command",
    None,
    lambda folder: (folder / "printed").write_bytes(edited(lambda _: None)),
    SYSTEM_IDENTIFIER,
    across(0x25, 0x3C),
)
# What it does instead of printing.
FAULTS = {
    "credentials that expired": 'echo "ExpiredToken: $STORE_TOKEN is over" >&2; exit 1',
    "a page of a proxy": "echo '<html>sign in</html>'",
    "half of it": "head -c 300 printed",
    "all of it twice": "cat printed printed",
    "nothing": "exit 0",
    "an end after all was told": "cat printed; exit 3",
    "an output without an end": "exec cat /dev/zero",
    "complaints without an end": "head -c 50000000 /dev/zero >&2; exit 1",
    "its own end": "kill -9 $$",
}
# How often it was asked is in a file.
_SCRIPT = """\
cd {folder} && echo >> asked
if test $(wc -l < asked) -le {moment}; then cat printed; else {fault}; fi
"""


def _place(folder: Path, moment: int, fault: str) -> str:
    script = folder / f"script-{moment}"
    quoted = shlex.quote(str(folder))
    script.write_text(_SCRIPT.format(folder=quoted, moment=moment, fault=fault))
    (folder / "asked").write_text("")
    return f"sh {script}"


def test_good_command_stands_against_nothing(tmp_path: Path) -> None:
    """Of what follows here nothing would be seen otherwise."""
    COMMAND.fill(tmp_path)
    assert judge(COMMAND, S3Settings(), _place(tmp_path, QUESTIONS, "exit 1")) is None
    assert len((tmp_path / "asked").read_text()) == QUESTIONS


@pytest.mark.parametrize("fault", FAULTS)
def test_command_that_goes_bad_at_any_moment_is_told(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it told before makes up for nothing, and its secrets stay where they are."""
    monkeypatch.setenv("STORE_TOKEN", CANARY)
    COMMAND.fill(tmp_path)
    for moment in range(QUESTIONS):
        finding = judge(COMMAND, S3Settings(), _place(tmp_path, moment, FAULTS[fault]))
        assert_told(finding)
        assert finding is not None
        assert finding.code is ExitCode.UNKNOWN_BACKUP
        assert len(finding.message) < 600


@pytest.mark.parametrize("drip", ["printf x", "printf x >&2"])
def test_command_that_drips_is_told_in_time(drip: str, tmp_path: Path) -> None:
    """A byte now and then is no sign of an end."""
    access = Access(S3Settings(), timeout=timedelta(seconds=1.2))
    place = _place(tmp_path, 0, f"while sleep 0.1; do {drip}; done")
    (finding,) = judge_source(f"command:{place}", access, SYSTEM_IDENTIFIER)
    assert_told(finding)
    assert "did not end within 1s" in finding.message
