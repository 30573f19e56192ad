"""What a restore reads, by a manifest that pgBackRest wrote and by edited ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hook.core.backups.pgbackrest_lines import InfoDamaged, read_info_lines
from hook.core.backups.pgbackrest_manifest import OBJECT_LIMIT, Manifest, parse_manifest
from hook.demo.repository import Sections, read_sections, render_sections
from hook.errors import BackupUnknown
from tests.testbed.pgbackrest_repository import FULL, INCREMENTAL, SAMPLES

SAMPLE = SAMPLES / "small-repo/backup/app" / INCREMENTAL / "backup.manifest"
FILES = "target:file"


def _parse(data: bytes) -> Manifest:
    return parse_manifest(INCREMENTAL, data.split(b"\n"))


def _edited(change: Callable[[Sections], object]) -> Manifest:
    sections = read_sections(SAMPLE.read_bytes())
    change(sections)
    return _parse(render_sections(sections).encode())


def _with_files(**files: Any) -> Manifest:
    return _edited(lambda all_: all_.update({FILES: files}))


def test_manifest_names_what_lies_in_bundles_alone_and_in_the_backup_before() -> None:
    """The three files of the recorded incremental backup, each with the bytes it takes."""
    manifest = _parse(SAMPLE.read_bytes())
    assert manifest.is_verified
    assert manifest.objects == {
        FULL: {"bundle/1": 12},
        INCREMENTAL: {"pg_data/backup_label.zst": 186, "bundle/1": 181},
    }
    assert (manifest.count(), manifest.left_out, manifest.has_blocks) == (3, 0, False)


def test_bundle_has_to_reach_to_the_end_of_its_last_file() -> None:
    """In whatever order the files are named."""
    manifest = _with_files(
        first={"bni": 7, "bno": 40, "repo-size": 2, "size": 9},
        second={"bni": 7, "size": 5},
    )
    assert manifest.objects == {INCREMENTAL: {"bundle/7": 42}}


def test_empty_file_is_not_looked_for() -> None:
    """A restore creates it."""
    assert _with_files(none={"repo-size": 20, "size": 0}).objects == {}


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"option-compress-type": "none"}, "file"),
        ({"option-compress-type": "lz4"}, "file.lz4"),
        ({"option-compress": True}, "file.gz"),
        ({"option-compress": False}, "file"),
    ],
)
def test_object_is_called_by_the_compression(options: dict[str, object], name: str) -> None:
    """Versions before 2.27 told whether, as there was nothing but gzip."""
    manifest = _edited(lambda all_: all_.update({"backup:option": options, FILES: _one_file(9)}))
    assert manifest.objects == {INCREMENTAL: {name: 9}}


def _one_file(size: int, **more: object) -> dict[str, object]:
    return {"file": {"size": size, **more}}


def test_file_of_blocks_has_a_name_of_its_own() -> None:
    """What it refers to is in the file itself, and not told here."""
    manifest = _with_files(**_one_file(9, bi=1, bim=30))
    assert manifest.has_blocks
    assert manifest.objects == {INCREMENTAL: {"file.pgbi": 9}}


def test_name_of_a_file_may_contain_equals_signs() -> None:
    """Its value begins behind the first that leaves JSON."""
    manifest = _with_files(**{"pg_data/a=b=1": {"size": 3}})
    assert manifest.objects == {INCREMENTAL: {"pg_data/a=b=1.zst": 3}}
    with pytest.raises(InfoDamaged, match="line 2: the value is not JSON"):
        list(read_info_lines(b"[a]\n" + b"=x" * 99))


def test_names_of_files_are_bounded_and_those_of_bundles_are_not() -> None:
    """The others are counted."""
    alone = {f"f{number}": {"size": 1} for number in range(OBJECT_LIMIT + 3)}
    manifest = _with_files(**alone, small={"bni": 1, "size": 1})
    assert (manifest.count(), manifest.left_out) == (OBJECT_LIMIT + 1, 3)


def test_manifest_without_its_end_is_not_verified() -> None:
    """Whoever cut it knows that; what it names so far is named."""
    cut = SAMPLE.read_bytes().partition(b"pg_data/global")[0]
    manifest = _parse(cut)
    assert not manifest.is_verified
    assert manifest.count() == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda all_: all_["backrest"].update({"backrest-format": 6}), "format 6 is not 5"),
        (
            lambda all_: all_["backup"].update({"backup-label": FULL}),
            f"it is of backup '{FULL}'",
        ),
        (lambda all_: all_[FILES].update({"x": 1}), "'x' is not an entry for a file"),
        (lambda all_: all_[FILES].update({"x": {"size": "1"}}), "'x' is not an entry for a file"),
        (
            lambda all_: all_[FILES].update({"x": {"size": 1, "reference": "../.."}}),
            r"'\.\./\.\.' is not a backup label",
        ),
    ],
)
def test_manifest_of_another_kind_is_damaged(
    change: Callable[[Sections], object], reason: str
) -> None:
    """What is not understood is never taken for good."""
    with pytest.raises(InfoDamaged, match=reason):
        _edited(change)


@pytest.mark.parametrize("kind", ["xz", 1])
def test_compression_of_a_newer_pgbackrest_is_unknown(kind: object) -> None:
    """Nothing says that such a manifest is damaged."""
    with pytest.raises(BackupUnknown, match=f"compression {kind!r} of a manifest is not known"):
        _edited(lambda all_: all_["backup:option"].update({"option-compress-type": kind}))


def test_edited_manifest_is_damaged() -> None:
    """Its checksum covers every name and number."""
    with pytest.raises(InfoDamaged, match="its checksum does not match"):
        _parse(SAMPLE.read_bytes().replace(b'"repo-size":12', b'"repo-size":11'))
