"""What is told of a backup that the run had made; the gates judge it, not its maker."""

from __future__ import annotations

import shlex
from datetime import timedelta
from enum import Enum
from typing import NamedTuple

from hook.core.outcome import Finding, passed, warned
from hook.core.span import describe_span
from hook.core.text import one_line
from hook.errors import DeadlineExceeded, HookError, Interrupted

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


class Waited(Enum):
    """How the wait for a backup ended; the first two by the word of its maker."""

    ENDED = "ended"
    FAILED = "failed"
    UNFINISHED = "time is over"
    SILENT = "cannot be watched"


class Rest(Enum):
    """What there is of a backup once nobody waits for it any longer."""

    GOES_ON = "its maker goes on"
    WHOLE = "it was made all the same"
    NOTHING = "it was stopped, and all of it removed"
    PARTS = "it was stopped, and parts may be left that are no backup"


class Wait(NamedTuple):
    """How *made* was waited for.

    Attributes:
        detail: Why it ended so; the setting, where the time was over.
    """

    made: Made
    end: Waited
    detail: str = ""


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


def tell_waited(wait: Wait, rest: Rest) -> Finding:
    """Return the finding for a backup that was waited for, *rest* being what there is of it."""
    made, span = wait.made, describe_span(wait.made.waited)
    if wait.end is Waited.ENDED:
        origin = "ran already" if made.is_adopted else "was begun"
        return passed(RULE, f"{made.name} {origin}, and ended after {span}", **made.facts)
    if wait.end is Waited.FAILED:
        message = f"{made.name} failed after {span}: {wait.detail or 'no reason given'}"
        return warned(RULE, message, "See the log of what made it.", **made.facts)
    if wait.end is Waited.UNFINISHED:
        message, hint = f"has not ended after {span} ({wait.detail})", f"Raise {wait.detail}."
    else:
        message = f"could not be watched any longer: {wait.detail}"
        hint = "See whether it ends, then run again."
    what = f"{made.name} {message}{_what_of_it(rest)}"
    return warned(RULE, what, f"{hint} {_next_run(made.name, rest)}", **made.facts)


def tell_left(error: HookError, maker: str, made: Made | None, rest: Rest) -> HookError:
    """Return *error*, which ended the run while a backup was made, with what becomes of that.

    Args:
        error: Why the run ends.
        maker: Of the backup.
        made: The backup, none as long as nobody knows whether there is one.
        rest: What there is of it now.
    """
    situation = _situation(maker, made, rest)
    outlook = _next_run("it" if made is None else made.name, rest)
    told = error
    if isinstance(error, Interrupted):
        told = Interrupted(error.signal_name, situation, f"Run again. {outlook}")
    elif isinstance(error, DeadlineExceeded):
        told = DeadlineExceeded(f"{error.message} {situation}", f"{error.hint} {outlook}")
    elif made is not None:
        told.hint = f"{error.hint} {outlook}".lstrip()
    told.facts = error.facts | (made.facts if made is not None else {"trigger": maker})
    return told


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


def _situation(maker: str, made: Made | None, rest: Rest) -> str:
    if made is not None:
        return f"while {made.name} was made{_what_of_it(rest)}"
    if rest is Rest.GOES_ON:
        return f"while a backup was asked for, which may have begun ({maker})"
    return f"before a backup was begun ({maker})"


def _what_of_it(rest: Rest) -> str:
    return {
        Rest.GOES_ON: ", which is left to go on",
        Rest.WHOLE: ", which has ended now",
        Rest.NOTHING: ", which was stopped and its upload aborted",
        Rest.PARTS: ", which was stopped, its upload maybe not aborted",
    }[rest]


def _next_run(name: str, rest: Rest) -> str:
    return {
        Rest.GOES_ON: f"The next run takes up {name} as long as it is being made, and"
        " begins no second one beside it.",
        Rest.WHOLE: "The next run finds it.",
        Rest.NOTHING: "The next run begins anew.",
        Rest.PARTS: "The next run begins anew.",
    }[rest]
