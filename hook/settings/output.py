"""Where the outcome goes, and how it looks."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

DEFAULT_TERMINATION_LOG = "/dev/termination-log"


class OutputFormat(Enum):
    """How results and log lines are written."""

    TEXT = "text"
    JSON = "json"


class Actor(NamedTuple):
    """Who runs: names that the downward API of Kubernetes provides, none elsewhere."""

    pod: str | None = None
    namespace: str | None = None
    job: str | None = None
    job_uid: str | None = None


class OutputSettings(NamedTuple):
    """Where the outcome goes.

    Attributes:
        format: Of results on stdout; none is text on a terminal, else JSON.
        log_format: Of the log on stderr, likewise.
        report: Path of the report file, none for no file.
        termination_log: Path that Kubernetes reads the termination message from.
    """

    format: OutputFormat | None = None
    log_format: OutputFormat | None = None
    report: str | None = None
    termination_log: str = DEFAULT_TERMINATION_LOG
    actor: Actor = Actor()


def parse_report_path(text: str) -> str:
    """Return the path of the report file.

    Raises:
        ValueError: It is a URL.
    """
    if "://" in text:
        raise ValueError(f"{text!r} is not a path, and only a path is supported in this version")
    return text
