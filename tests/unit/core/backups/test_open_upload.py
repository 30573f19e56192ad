"""What is told of an upload that could not be aborted."""

from __future__ import annotations

import shlex

import pytest

from hook.core.backups.backup_made import OpenUpload, tell_open_upload
from hook.core.outcome import warned

UPLOAD = OpenUpload("dumps", "shop/x.dump", "u1")


def test_open_upload_is_a_warning_with_the_command_that_removes_it() -> None:
    """Whatever ended the run decides; this is told beside it."""
    finding = tell_open_upload(UPLOAD, "no right", "Allow it.")
    assert finding == warned(
        "backup-leftover",
        "the unfinished upload u1 of s3://dumps/shop/x.dump could not be aborted, and its parts"
        " may stay: no right",
        "Run `aws s3api abort-multipart-upload --bucket dumps --key shop/x.dump --upload-id u1`"
        " to remove them. Allow it.",
        bucket="dumps",
        key="shop/x.dump",
        upload_id="u1",
    )
    assert tell_open_upload(UPLOAD, "silence").hint.endswith(" to remove them.")


def test_removal_names_the_storage_where_it_is_not_that_of_aws() -> None:
    """The AWS CLI would ask AWS."""
    elsewhere = UPLOAD._replace(endpoint="https://s3.example.com")
    assert elsewhere.removal == f"{UPLOAD.removal} --endpoint-url https://s3.example.com"


@pytest.mark.parametrize("odd", ["a b", "$(rm -rf /)", "it's", "a`b"])
def test_names_reach_the_command_as_one_word(odd: str) -> None:
    """An identifier is whatever the storage made it."""
    words = shlex.split(OpenUpload(odd, odd, odd, odd).removal)
    assert words[4::2] == [odd] * 4


def test_line_breaks_of_a_storage_break_no_line() -> None:
    """Log and report have one line for a finding."""
    finding = tell_open_upload(UPLOAD._replace(upload_id="a\nb"), "no")
    assert "\n" not in finding.message + finding.hint
