"""An upload leaves a whole object or none: every request that is made for that, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from hook.errors import BackupUnknown
from hook.triggers.multipart import Upload

PLACE = {"Bucket": "dumps", "Key": "shop/x.dump"}
OPEN = {**PLACE, "UploadId": "u1"}


@pytest.fixture
def client() -> Any:
    """Return a client of S3."""
    return boto3.client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="AKIATEST",
        aws_secret_access_key="canary",
    )


@pytest.fixture
def s3(client: Any) -> Iterator[Stubber]:
    """Return the answers that are given in turn, the upload having begun."""
    with Stubber(client) as stub:
        stub.add_response("create_multipart_upload", {"UploadId": "u1"}, PLACE)
        yield stub
        stub.assert_no_pending_responses()


def _take_part(s3: Stubber, number: int) -> None:
    asked = {**OPEN, "PartNumber": number, "Body": b"x"}
    s3.add_response("upload_part", {"ETag": f"e{number}"}, asked)


def test_upload_is_completed_with_its_parts_in_order(s3: Stubber, client: Any) -> None:
    """And the size of what is stored is compared with what was sent."""
    _take_part(s3, 1)
    _take_part(s3, 2)
    parts = [{"ETag": "e1", "PartNumber": 1}, {"ETag": "e2", "PartNumber": 2}]
    s3.add_response("complete_multipart_upload", {}, {**OPEN, "MultipartUpload": {"Parts": parts}})
    s3.add_response("head_object", {"ContentLength": 2}, PLACE)
    with Upload(lambda: client, "dumps", "shop/x.dump") as upload:
        upload.send(b"x")
        upload.send(b"x")
        assert not upload.is_complete
        upload.complete(2)
    assert (upload.is_complete, upload.upload_id, upload.not_aborted) == (True, None, None)


def test_upload_that_is_left_is_aborted(s3: Stubber, client: Any) -> None:
    """Without a reason, too: only who completes it wants it."""
    _take_part(s3, 1)
    s3.add_response("abort_multipart_upload", {}, OPEN)
    with Upload(lambda: client, "dumps", "shop/x.dump") as upload:
        upload.send(b"x")
    assert (upload.is_complete, upload.upload_id, upload.not_aborted) == (False, None, None)


def test_upload_that_is_refused_is_aborted_and_told(s3: Stubber, client: Any) -> None:
    """The first error counts, and why aborting failed as well is kept."""
    s3.add_client_error("upload_part", "AccessDenied", "no", 403)
    s3.add_client_error("abort_multipart_upload", "AccessDenied", "no", 403)
    upload = Upload(lambda: client, "dumps", "shop/x.dump")
    refused = r"^s3:PutObject on arn:aws:s3:::dumps/shop/x\.dump"
    with pytest.raises(BackupUnknown, match=refused), upload:
        upload.send(b"x")
    assert upload.upload_id == "u1"
    assert upload.not_aborted is not None
    assert upload.not_aborted.message.startswith("s3:AbortMultipartUpload on arn:aws:s3:::dumps/")


def test_upload_that_somebody_else_aborted_is_not_left(s3: Stubber, client: Any) -> None:
    """A lifecycle rule, for example: then there is nothing to take back."""
    s3.add_client_error("upload_part", "NoSuchUpload", "gone", 404)
    s3.add_client_error("abort_multipart_upload", "NoSuchUpload", "gone", 404)
    upload = Upload(lambda: client, "dumps", "shop/x.dump")
    with pytest.raises(BackupUnknown, match=r"^somebody has aborted the upload of"), upload:
        upload.send(b"x")
    assert (upload.upload_id, upload.not_aborted) == (None, None)


def test_object_of_another_size_is_told(s3: Stubber, client: Any) -> None:
    """Whatever stored less than it was sent."""
    _take_part(s3, 1)
    s3.add_response("complete_multipart_upload", {})
    s3.add_response("head_object", {"ContentLength": 0}, PLACE)
    with Upload(lambda: client, "dumps", "shop/x.dump") as upload:
        upload.send(b"x")
        with pytest.raises(BackupUnknown, match="has 0 bytes, 1 were sent"):
            upload.complete(1)
