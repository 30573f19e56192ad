"""The backup gate over what commands print: every document to its verdict."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hook.catalogs import WalCatalog
from hook.catalogs.opening import Access, open_catalogs
from hook.errors import BackupUnknown
from hook.settings.backup_source import S3Settings, parse_backup_source
from tests.contract.verdict import (
    Case,
    assert_verdict,
    cannot_tell,
    passes,
    refuses,
    text_of,
    warns,
)
from tests.testbed.backup_gate import judge_source
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER
from tests.testbed.told_backups import Document, aged, edited, own_document, printing, recorded

ACCESS = Access(S3Settings())
TOLD = "newest usable backup tuesday (incr) stopped 19m"

Make = Callable[[Path], bytes]


def _edit(change: Callable[[Document], object]) -> Callable[[None], bytes]:
    return lambda _: edited(change)


def _set(key: str, value: object) -> Callable[[None], bytes]:
    return _edit(lambda document: document["backups"][1].update({key: value}))


def _pgbackrest(name: str) -> Callable[[None], bytes]:
    return lambda _: aged(name)


def _recorded(name: str) -> Callable[[None], bytes]:
    return lambda _: recorded(name)


CASES: list[Case[None]] = [
    passes("own", _edit(lambda _: None), TOLD),
    passes("own-without-wal", _edit(lambda document: document.pop("wal")), TOLD),
    refuses(
        "own-empty",
        _edit(lambda document: document.update(backups=[])),
        "no completed backup is listed in the command cat",
    ),
    warns(
        "own-errored",
        _set("error", value=True),
        "tuesday contains damaged pages",
        "newest usable backup monday (full)",
    ),
    warns(
        "own-future", _set("stopped_at", "2999-01-01T00:00:00Z"), "tuesday stopped in the future"
    ),
    warns(
        "own-expired-base", _set("needs", ["sunday"]), "tuesday needs sunday, which is not listed"
    ),
    refuses(
        "own-damaged-base",
        _edit(lambda document: document["backups"][0].update(error=True)),
        "none of 2 backups is usable: tuesday rests on monday, which contains damaged pages",
    ),
    refuses(
        "own-expired-base-below",
        _edit(lambda document: document["backups"][0].update(needs=["saturday", "sunday"])),
        "tuesday needs saturday, which is not listed",
    ),
    refuses(
        "own-another-cluster",
        _edit(lambda document: document.update(system_identifier=42)),
        "the command cat holds backups of cluster 42",
    ),
    warns("own-other-cluster-once", _set("system_identifier", "42"), "was taken from cluster 42"),
    cannot_tell(
        "own-no-cluster",
        _edit(lambda document: document.pop("system_identifier")),
        "does not tell its system identifier",
    ),
    refuses(
        "own-other-host",
        _edit(lambda document: document.update(system_identifier=None, hosts=["db.example"])),
        "the command cat is reached as db.example",
    ),
    refuses(
        "own-other-database",
        _edit(lambda document: document.update(system_identifier=None, databases=["shop"])),
        "there are dumps of shop only, the database is ; looked in the command cat",
    ),
    cannot_tell(
        "own-misspelled",
        _set("stoped_at", "2026-11-29T00:00:00Z"),
        "the command cat: backups[1].stoped_at is no key of the document; backups[1] may have",
    ),
    cannot_tell(
        "own-naive-time", _set("stopped_at", "2026-11-29T00:00:00"), "backups[1].stopped_at is"
    ),
    cannot_tell(
        "no-json",
        lambda _: b"all good\n",
        "the command cat: what it printed is no JSON: 'all good\\n'",
    ),
    cannot_tell("nothing", lambda _: b"", "the command cat: it printed nothing"),
    cannot_tell("html", lambda _: b"<html>", "what it printed is no JSON: '<html>'"),
    cannot_tell("number", lambda _: b"7", "the document is 7, not an object"),
    passes("two-repos", _pgbackrest("two-repos"), "newest usable backup 20261121-190513F_"),
    passes("backup-running", _pgbackrest("backup-running"), "newest usable backup 20261121-1905"),
    passes("backup-copying", _pgbackrest("backup-copying"), "newest usable backup 20261121-1905"),
    passes("one-repo", _pgbackrest("repo1"), "newest usable backup 20261121-190434F_"),
    passes("newer-version", _pgbackrest("2.60-bundle-block"), "newest usable backup 20261121-1922"),
    passes("after-expire", _pgbackrest("after-expire"), "newest usable backup 20261121-190733F"),
    warns(
        "with-error",
        _pgbackrest("with-error"),
        "20261121-190643F contains damaged pages",
        "newest usable backup 20261121-190434F_20261121-190510I (incr)",
    ),
    warns(
        "one-repo-unreadable",
        _pgbackrest("one-repo-unreadable"),
        "repo2: [FormatError] unable to load info file",
        "newest usable backup 20261121-190434F_20261121-190510I (incr)",
    ),
    refuses(
        "no-backup",
        _recorded("no-backup"),
        "no completed backup is listed in pgBackRest stanza app, as the command cat tells",
    ),
    refuses(
        "missing-stanza",
        _recorded("missing-stanza"),
        "pgBackRest has no stanza nope: repo1: missing stanza path (1)",
    ),
    cannot_tell(
        "wrong-passphrase",
        _recorded("wrong-passphrase"),
        "pgBackRest cannot tell of stanza app: repo1: [FormatError] unable to load info file",
        "FormatError: key/value found outside of section at line 1 (99)",
    ),
    cannot_tell("damaged", _recorded("damaged"), "missing '=' in key/value at line 8 (99)"),
    cannot_tell(
        "no-stanzas", _recorded("no-stanzas"), "the command cat: pgBackRest tells of no stanza"
    ),
    refuses("stale", lambda _: aged("repo1", timedelta(hours=31)), "stopped 31h", "(limit 24h)"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gate_gives_each_document_its_verdict(tmp_path: Path, case: Case[None]) -> None:
    """The command is real, and so is what pgBackRest printed."""
    data = case.make(None)
    assert isinstance(data, bytes)
    assert_verdict(judge_source(printing(tmp_path, data), ACCESS, SYSTEM_IDENTIFIER), case)


def _archive(source: str) -> WalCatalog:
    catalog = open_catalogs(parse_backup_source(source), ACCESS).wal
    assert catalog is not None
    return catalog


def test_one_segment_is_there_when_the_command_says_so(tmp_path: Path) -> None:
    """From its own document, or as one of the ends that pgBackRest tells; between them is open."""
    own = _archive(printing(tmp_path, edited(lambda _: None)))
    (told,) = own_document()["wal"]
    assert own.has_segment(told["last"])
    assert not own.has_segment("0000000100000000000000FF")
    pgbackrest = _archive(printing(tmp_path, aged("repo1")))
    (archive,) = json.loads(aged("repo1"))[0]["archive"]
    assert pgbackrest.has_segment(archive["min"])
    assert pgbackrest.has_segment(archive["max"])
    assert pgbackrest.has_segment("000000010000000000000010") is None
    assert pgbackrest.has_segment("0000000100000000000000FF") is False


def test_command_that_tells_nothing_of_the_wal_does_not_know_of_a_segment(tmp_path: Path) -> None:
    """Backups alone are no proof that a marker arrived."""
    silent = _archive(printing(tmp_path, edited(lambda document: document.pop("wal"))))
    with pytest.raises(BackupUnknown, match="tells nothing of the WAL"):
        silent.has_segment("000000010000000000000025")


def test_stanza_is_chosen_by_its_name(tmp_path: Path) -> None:
    """Without --stanza pgBackRest tells of all."""
    one = aged("repo1").decode().strip()[1:-1]
    other = one.replace('"name": "app"', '"name": "shop"')
    source = printing(tmp_path, f"[{one}, {other}]".encode())
    (none,) = judge_source(source, ACCESS, SYSTEM_IDENTIFIER)
    assert "pgBackRest tells of 2 stanzas, not of one: app, shop" in none.message
    (found,) = judge_source(source, Access(S3Settings(), "shop"), SYSTEM_IDENTIFIER)
    assert found.facts["source"] == "pgBackRest stanza shop, as the command cat tells"
    (neither,) = judge_source(source, Access(S3Settings(), "main"), SYSTEM_IDENTIFIER)
    assert "pgBackRest tells of no stanza main; stanzas there: app, shop" in neither.message


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "import sys; sys.exit('no repository at https://me:canary-in-url@store/x')",
            "ended with exit status 1: no repository at https://***@store/x",
        ),
        ("import os, sys; sys.exit(os.environ['STORE_PASSWORD'])", "ended with exit status 1: ***"),
        ("import sys; print('x' * 9000, file=sys.stderr); sys.exit('the end')", "x / the end"),
        ("import os; os.abort()", "was ended by SIGABRT: it told no reason"),
        ("import sys; sys.exit(3)", "ended with exit status 3: it told no reason"),
        ("print('x' * 2**24)", "prints more than 8 MiB"),
        ("while True: print('x' * 2**16)", "prints more than 8 MiB"),
    ],
)
def test_command_that_fails_is_unknown(
    monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    """What it complained of is told on one line, without secrets, and the rest is bounded."""
    monkeypatch.setenv("STORE_PASSWORD", "canary-of-the-store")
    source = f"command:{shlex.join([sys.executable, '-c', script])}"
    findings = judge_source(source, ACCESS, SYSTEM_IDENTIFIER)
    assert_verdict(findings, cannot_tell("fails", lambda _: None, told))
    assert "canary" not in repr(findings)
    assert len(text_of(findings)) < 600


def test_command_has_five_sixths_of_the_time_of_its_gate() -> None:
    """So that it is the command that is named, and not the gate that gave up on it."""
    access = Access(S3Settings(), timeout=timedelta(seconds=6))
    (finding,) = judge_source("command:sleep 600", access, SYSTEM_IDENTIFIER)
    assert finding.message == "the command sleep did not end within 5s"


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("/no/such/program", "cannot be started: No such file or directory"),
        ("no-such-program", "cannot be started: No such file or directory"),
        ("/etc/passwd", "cannot be started: Permission denied"),
        ("'a\0b'", "cannot be started: embedded null byte"),
    ],
)
def test_command_that_cannot_be_started_is_unknown(
    monkeypatch: pytest.MonkeyPatch, program: str, told: str
) -> None:
    """The image holds no backup programs; who forgot to add one is told so."""
    # A folder that may not be entered would be what the system complains of.
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    findings = judge_source(f"command:{program}", ACCESS, SYSTEM_IDENTIFIER)
    assert_verdict(findings, cannot_tell("not-started", lambda _: None, told))
    assert "image" in findings[0].hint
