"""A multipart upload that leaves a whole object or none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Self

from hook.errors import BackupUnknown, HookError


class UploadGone(BackupUnknown):
    """The storage does not know the upload any more: somebody has aborted it."""


class Upload:
    """Uploads one object; leaving the block without `complete` aborts it.

    Attributes:
        key: Of the object.
        upload_id: Of the upload as long as it is open, none before and afterwards.
        not_aborted: Why it is still open although it was to be aborted.
        is_complete: The storage has made the object visible.
    """

    def __init__(self, open_: Callable[[], Any], bucket: str, key: str) -> None:
        """Send with the client that *open_* returns; nothing is contacted yet."""
        self._open = open_
        self.key = key
        self._place = {"Bucket": bucket, "Key": key}
        self.upload_id: str | None = None
        self.not_aborted: HookError | None = None
        self.is_complete = False
        self._parts: list[dict[str, object]] = []

    def __enter__(self) -> Self:
        """Begin the upload."""
        answer = self._ask("create_multipart_upload", **self._place)
        self.upload_id = str(answer["UploadId"])
        return self

    def __exit__(self, *_: object) -> None:
        """Abort what was not completed; a failure to do so leaves parts and no object."""
        if self.upload_id is None:
            return
        try:
            self._ask("abort_multipart_upload", **self._place, UploadId=self.upload_id)
        except UploadGone:
            self.upload_id = None
        except HookError as error:
            self.not_aborted = error
        else:
            self.upload_id = None

    def send(self, part: bytes) -> None:
        """Upload the next part; all but the last have the same size, of 5 MiB or more.

        Raises:
            BackupUnknown: The storage refuses or does not answer.
        """
        number = len(self._parts) + 1
        answer = self._ask(
            "upload_part", **self._place, UploadId=self.upload_id, PartNumber=number, Body=part
        )
        self._parts.append({"ETag": answer["ETag"], "PartNumber": number})

    def complete(self, size: int) -> None:
        """Make the object visible, and see that it has *size* bytes.

        Raises:
            BackupUnknown: It has not, or the storage refuses or does not answer.
        """
        self._ask(
            "complete_multipart_upload",
            **self._place,
            UploadId=self.upload_id,
            MultipartUpload={"Parts": self._parts},
        )
        self.upload_id, self.is_complete = None, True
        stored = self._ask("head_object", **self._place).get("ContentLength")
        if stored != size:
            raise BackupUnknown(
                f"{self._name} has {stored} bytes, {size} were sent",
                "Delete that object, and see what is in front of the storage.",
            )

    @property
    def _name(self) -> str:
        return f"s3://{self._place['Bucket']}/{self._place['Key']}"

    def _ask(self, operation: str, **parameters: object) -> dict[str, Any]:
        from hook.catalogs.s3_errors import (  # noqa: PLC0415 - loads botocore
            S3_ERRORS,
            classify,
            explain,
            is_upload_gone,
        )

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except S3_ERRORS as error:
            if is_upload_gone(error):
                raise UploadGone(
                    f"somebody has aborted the upload of {self._name}",
                    "See what aborts uploads in that bucket, for example a lifecycle rule.",
                ) from error
            fault = classify(error, datetime.now(UTC))
            raise explain(error, fault, self._name, "S3") from error
        return answer

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - boto3 brings no types
        return self._open()
