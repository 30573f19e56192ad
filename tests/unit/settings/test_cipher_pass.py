"""The passphrase of an encrypted repository: where it may stand, and that nobody sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.errors import BadFlags, ConfigError
from hook.settings import Settings
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs

PASSPHRASE = "canary passphrase"


def load(environment: dict[str, str], flags: dict[str, str] | None = None) -> Settings:
    """Return the settings of a process started like this."""
    return load_settings(Inputs(flags or {}, environment), Need.NO_DATABASE)


def test_passphrase_comes_from_its_variable_and_is_a_secret() -> None:
    """Whatever is printed later is searched for it."""
    settings = load({"PRESYNC_BACKUP_CIPHER_PASS": PASSPHRASE})
    assert settings.backup.cipher_pass == PASSPHRASE
    assert PASSPHRASE in settings.provenance.secrets


def test_passphrase_file_replaces_the_variable(tmp_path: Path) -> None:
    """It is read without its last newline, and its content is a secret as well."""
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    variables = {
        "PRESYNC_BACKUP_CIPHER_PASS": "another",
        "PRESYNC_BACKUP_CIPHER_PASS_FILE": str(file),
    }
    settings = load(variables)
    assert settings.backup.cipher_pass == PASSPHRASE
    assert {PASSPHRASE, "another"} <= set(settings.provenance.secrets)


def test_passphrase_in_the_configuration_file_is_a_secret(tmp_path: Path) -> None:
    """A file that holds it is mounted from a secret, and says so to nobody."""
    file = tmp_path / "presync.toml"
    file.write_text(f'backup_cipher_pass = "{PASSPHRASE}"\n')
    settings = load({"PRESYNC_CONFIG": str(file)})
    assert settings.backup.cipher_pass == PASSPHRASE
    assert PASSPHRASE in settings.provenance.secrets


def test_unreadable_passphrase_file_is_named(tmp_path: Path) -> None:
    """A passphrase that cannot be read is a mistake of the settings, told before anything runs."""
    path = tmp_path / "absent"
    with pytest.raises(ConfigError) as refused:
        load({"PRESYNC_BACKUP_CIPHER_PASS_FILE": str(path)})
    (problem,) = refused.value.problems
    assert problem == f"PRESYNC_BACKUP_CIPHER_PASS_FILE: {path}: no such file or directory"


def test_passphrase_as_a_flag_is_refused_and_not_repeated() -> None:
    """Every process of the machine can read the flags of every other."""
    with pytest.raises(BadFlags) as refused:
        load({}, {"backup_cipher_pass": PASSPHRASE})
    (problem,) = refused.value.problems
    assert problem.startswith("--backup-cipher-pass is a secret")
    assert PASSPHRASE not in problem + refused.value.hint
