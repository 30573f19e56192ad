"""Events as text: time, level and message, for whoever watches a run."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from hook.log import Style
from hook.log.json_text import single_line

if TYPE_CHECKING:
    from hook.log import Redact

_COLOURS = {
    logging.INFO: "\x1b[36m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[31m",
}
_DIM = "\x1b[2m"
_RESET = "\x1b[0m"


class TextLines(logging.Formatter):
    """Local time, level, stage and message; the hint after an arrow."""

    def __init__(self, style: Style, redact: Redact) -> None:
        """Colour the lines when *style* says so; let *redact* see every line."""
        super().__init__()
        self._is_coloured = style is Style.COLOUR
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the one line of *record*."""
        fields = getattr(record, "event_fields", None) or {}
        moment = datetime.fromtimestamp(record.created).astimezone()
        time = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
        level = f"{record.levelname:<7}"
        message = record.getMessage()
        if fields.get("hint"):
            message += f" → {fields['hint']}"
        stage = str(fields.get("stage", ""))
        if stage and not message.startswith(stage):
            message = f"{stage}: {message}"
        if self._is_coloured:
            time = f"{_DIM}{time}{_RESET}"
            level = f"{_COLOURS.get(record.levelno, '')}{level}{_RESET}"
        text = single_line(self._redact.text(message).replace("\n", "\\n"))
        return f"{time} {level} {text}"
