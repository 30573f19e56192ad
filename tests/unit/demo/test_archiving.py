"""The demo's archive_command, carried out by a shell as the server does."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from hook.demo.play import archive_command

SEGMENT = "000000010000000000000007"
CONTENT = b"what was written"


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """Return a segment that is to be kept."""
    path = tmp_path / SEGMENT
    path.write_bytes(CONTENT)
    return path


def archive(segment: Path, path: str = os.defpath) -> tuple[bool, list[str]]:
    """Let the programs on *path* keep *segment*; return whether they did, and what is there."""
    root = segment.parent / "archive"
    command = archive_command(root).replace("%p", str(segment)).replace("%f", segment.name)
    done = subprocess.run(["sh", "-c", command], env={"PATH": path}, check=False)
    names = sorted(item.name for item in (root / SEGMENT[:16]).iterdir())
    return done.returncode == 0, names


def test_segment_is_kept_by_its_checksum(segment: Path) -> None:
    """And nothing beside it."""
    checksum = hashlib.sha1(CONTENT, usedforsecurity=False).hexdigest()
    assert archive(segment) == (True, [f"{SEGMENT}-{checksum}"])


def test_segment_that_is_half_written_has_another_name(segment: Path, tmp_path: Path) -> None:
    """Whoever reads the archive meanwhile would take it for damaged."""
    half = tmp_path / "bin" / "cp"
    half.parent.mkdir()
    half.write_text('#!/bin/sh\n: > "$2"\nexit 1\n')
    half.chmod(0o755)
    is_kept, (name,) = archive(segment, f"{half.parent}:{os.defpath}")
    assert not is_kept
    assert name.endswith(".pgbackrest.tmp")
