"""A repository under repo-cipher-type=aes-256-cbc, with the passphrase, without, with another."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import Ask, Make
from tests.testbed.gate_answer import assert_answer
from tests.testbed.pgbackrest import PASSPHRASE, Place

ENCRYPTED = {"cipher-type": "aes-256-cbc", "cipher-pass": PASSPHRASE}


@pytest.mark.parametrize("storage", ["directory", "s3"])
def test_encrypted_repository_needs_its_passphrase(
    storage: str,
    new_place: Callable[[str, str], Place],
    make_pgbackrest: Make,
    ask: Ask,
    tmp_path: Path,
) -> None:
    """Read with it; unknown, and never good, without or with a wrong one; told to nobody."""
    place = new_place(storage, "encrypted")
    tool = make_pgbackrest([replace(place, options={**place.options, **ENCRYPTED})])
    label = tool.back_up("full")["label"]
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    usable = f"newest usable backup {label} (full)"
    for given in (
        {"PRESYNC_BACKUP_CIPHER_PASS": PASSPHRASE},
        {"PRESYNC_BACKUP_CIPHER_PASS_FILE": str(file)},
    ):
        done = ask(tool, **given)
        assert_answer(done, ExitCode.OK, "backup", usable)
        assert PASSPHRASE not in done.stdout + done.stderr
        assert "cipher" not in json.dumps(done.report["stages"])
    without = ask(tool)
    assert_answer(
        without, ExitCode.UNKNOWN_BACKUP, "backup", "encrypted, and no passphrase is known"
    )
    wrong = ask(tool, PRESYNC_BACKUP_CIPHER_PASS="canary-of-another")
    assert_answer(
        wrong, ExitCode.UNKNOWN_BACKUP, "backup", "the passphrase does not decrypt it (wrong, "
    )
    assert "canary-of-another" not in wrong.stdout + wrong.stderr
