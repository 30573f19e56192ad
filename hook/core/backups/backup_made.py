"""What is told of a backup that the run had made; the gates judge it, not its maker."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import NamedTuple

from hook.core.outcome import Finding, passed, warned
from hook.core.span import describe_span
from hook.core.text import one_line

RULE = "backup-trigger"


class Made(NamedTuple):
    """A backup that was waited for.

    Attributes:
        name: As its maker calls it.
        maker: What made it.
        is_adopted: Somebody else had begun it.
        waited: How long it was waited for.
    """

    name: str
    maker: str
    is_adopted: bool
    waited: timedelta

    @property
    def facts(self) -> dict[str, object]:
        """Return what the report tells of it."""
        return {
            "backup": self.name,
            "trigger": self.maker,
            "adopted": self.is_adopted,
            "waited_ms": self.waited // timedelta(milliseconds=1),
        }


class OpenUpload(NamedTuple):
    """A multipart upload that is neither completed nor known to be aborted.

    Attributes:
        endpoint: URL of the storage, empty for AWS.
    """

    bucket: str
    key: str
    upload_id: str
    endpoint: str = ""

    @property
    def removal(self) -> str:
        """Return the command that aborts it, whoever may."""
        options = {"bucket": self.bucket, "key": self.key, "upload-id": self.upload_id}
        if self.endpoint:
            options["endpoint-url"] = self.endpoint
        words = (f"--{name} {shlex.quote(one_line(value))}" for name, value in options.items())
        return f"aws s3api abort-multipart-upload {' '.join(words)}"


def tell_ended(made: Made) -> Finding:
    """Return the finding for a backup whose maker says that it ended well."""
    origin = "ran already" if made.is_adopted else "was begun"
    message = f"{made.name} {origin}, and ended after {describe_span(made.waited)}"
    return passed(RULE, message, **made.facts)


def tell_failed(made: Made, detail: str) -> Finding:
    """Return the finding for a backup whose maker says that it failed."""
    message = (
        f"{made.name} failed after {describe_span(made.waited)}: {detail or 'no reason given'}"
    )
    return warned(RULE, message, "See the log of what made it.", **made.facts)


def tell_unfinished(made: Made, setting: str) -> Finding:
    """Return the finding for a backup that took longer than *setting* allows."""
    message = f"{made.name} has not ended after {describe_span(made.waited)} ({setting})"
    return warned(
        RULE, message, f"Raise {setting}, or run again when that backup is there.", **made.facts
    )


def tell_silent(made: Made, reason: str) -> Finding:
    """Return the finding for a backup that could not be watched to its end."""
    message = f"{made.name} could not be watched any longer: {reason}"
    return warned(RULE, message, "See whether it ends, then run again.", **made.facts)


def tell_open_upload(upload: OpenUpload, reason: str, advice: str = "") -> Finding:
    """Return the finding for *upload*, which was to be aborted and for *reason* was not.

    Nobody sees its parts in a listing of objects, and they are paid for until it is aborted.
    """
    return warned(
        "backup-leftover",
        f"the unfinished upload {one_line(upload.upload_id)} of s3://{upload.bucket}/{upload.key}"
        f" could not be aborted, and its parts may stay: {reason}",
        f"Run `{upload.removal}` to remove them. {advice}".rstrip(),
        bucket=upload.bucket,
        key=upload.key,
        upload_id=upload.upload_id,
    )
