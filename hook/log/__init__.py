"""The log: one event per line on one stream, as JSON for machines or text for people."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from enum import Enum
from typing import Protocol, TextIO


class Style(Enum):
    """How lines look."""

    JSON = "json"
    PLAIN = "plain"
    COLOUR = "colour"


class Redact(Protocol):
    """Takes secrets out of what is logged."""

    def text(self, text: str) -> str:
        """Return *text* without secrets."""

    def value(self, value: object) -> object:
        """Return *value* with every text in it redacted."""

    def is_clean(self, text: str) -> bool:
        """Tell whether there is nothing to redact in *text*, JSON with other languages readable."""


class Live(Protocol):
    """A line of the terminal that is redrawn, and that nothing else may be written into."""

    pace: timedelta

    def take(self, event: str, fields: Mapping[str, object]) -> bool:
        """Take note of *event*; tell whether it is drawn, and so need not be logged."""

    def cleared(self) -> AbstractContextManager[None]:
        """Leave the terminal to others while the context lasts."""

    def close(self) -> None:
        """Leave it to others for good."""


# Where nobody watches, a wait speaks so often.
_PACE = timedelta(seconds=10)
_LEVELS_BY_STATUS: Mapping[object, int] = {
    "failed": logging.ERROR,
    "unknown": logging.ERROR,
    "warned": logging.WARNING,
}
_LEVELS_BY_EVENT = {"retry.scheduled": logging.WARNING, "stage.started": logging.DEBUG}


class EventRecord(logging.LogRecord):
    """An event, without what is only known of a call of a named logger, and costs more."""

    def __init__(self, level: int, event: str, message: str, fields: Mapping[str, object]) -> None:
        self.name = "presync"
        self.levelno = level
        self.levelname = logging.getLevelName(level)
        self.created = time.time()
        self.msg = message
        self.args = None
        self.event = event
        self.event_fields = fields


class EventLog:
    """Writes events; what a stage is given as its ``events``."""

    def __init__(self, handler: logging.Handler, live: Live | None = None) -> None:
        """Write through *handler*, apart from the tree of named loggers."""
        self._handler = handler
        self._live = live

    @property
    def pace(self) -> timedelta:
        """Return how often what takes long is told of."""
        return _PACE if self._live is None else self._live.pace

    def close(self) -> None:
        """Leave nothing on the terminal that is no line of the log."""
        if self._live is not None:
            self._live.close()

    def __call__(self, event: str, message: str, /, **fields: object) -> None:
        """Log *event*; the field ``level`` sets its level, else the other fields do."""
        level = _level(event, fields.pop("level", None), fields)
        if self._live is not None and self._live.take(event, fields):
            return
        if level >= self._handler.level:
            self._handler.handle(EventRecord(level, event, message, fields))


def _level(event: str, named: object, fields: Mapping[str, object]) -> int:
    if isinstance(named, str):
        return logging.getLevelNamesMapping()[named.upper()]
    status = fields.get("status")
    by_status = _LEVELS_BY_STATUS.get(getattr(status, "value", status))
    if by_status is not None:
        return by_status
    if fields.get("exit_code"):
        return logging.ERROR
    return _LEVELS_BY_EVENT.get(event, logging.INFO)


class _Lines(logging.StreamHandler[TextIO]):
    """A handler whose own failure ends nothing: a closed stderr must not stop a COMMIT."""

    def __init__(self, stream: TextIO, live: Live | None) -> None:
        """Write to *stream*, around the line of *live* if there is one."""
        super().__init__(stream)
        self._live = live

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of *record*."""
        if self._live is None:
            super().emit(record)
        else:
            with self._live.cleared():
                super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Drop the line; logging would print the record, unredacted, to stderr."""


def build_events(
    run_id: str, style: Style, stream: TextIO, redact: Redact, live: Live | None = None
) -> EventLog:
    """Return the log of one run on *stream*; nothing global changes."""
    return EventLog(_build_handler(run_id, style, stream, redact, live), live)


def configure_logging(
    run_id: str, style: Style, stream: TextIO, redact: Redact, live: Live | None = None
) -> EventLog:
    """Return the log of this process, and let libraries' warnings come through it too."""
    handler = _build_handler(run_id, style, stream, redact, live)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)  # noqa: FBT003 - logging's signature
    return EventLog(handler, live)


def _build_handler(
    run_id: str, style: Style, stream: TextIO, redact: Redact, live: Live | None
) -> logging.Handler:
    handler = _Lines(stream, live)
    # Each run needs one of the two; the JSON one imports a library.
    if style is Style.JSON:
        from hook.log.json_lines import JsonLines  # noqa: PLC0415 - see above

        handler.setFormatter(JsonLines(run_id, redact))
    else:
        from hook.log.text_lines import TextLines  # noqa: PLC0415 - see above

        handler.setFormatter(TextLines(style, redact))
        handler.setLevel(logging.INFO)
    return handler
