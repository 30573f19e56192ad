"""Events as JSON: one object per line, whatever the message holds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pythonjsonlogger.json import JsonFormatter

from hook.log import EventRecord
from hook.log.json_text import are_ready, json_ready, redacted_json, utc_timestamp

if TYPE_CHECKING:
    from hook.log import Redact

LIBRARY_EVENT = "library.message"


class JsonLines(JsonFormatter):
    """Timestamp, level, event, run id, message, then the event's own fields."""

    def __init__(self, run_id: str, redact: Redact) -> None:
        """Stamp *run_id* on every line and let *redact* see every value."""
        super().__init__()
        self._run_id = run_id
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*; an event has nothing that the library looks for."""
        if not isinstance(record, EventRecord):
            return super().format(record)
        log_data: dict[str, Any] = {}
        self.add_fields(log_data, record, {})
        return self.jsonify_log_record(self.process_log_record(log_data))

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Fill *log_data* in the documented order; a field never replaces a base one."""
        log_data["timestamp"] = utc_timestamp(datetime.fromtimestamp(record.created, UTC))
        log_data["level"] = record.levelname
        log_data["event"] = getattr(record, "event", LIBRARY_EVENT)
        log_data["run_id"] = self._run_id
        log_data["message"] = record.getMessage()
        own: Mapping[str, object] | None = getattr(record, "event_fields", None)
        if own is None:
            own = {"logger": record.name, **message_dict}
        for name, value in own.items():
            log_data.setdefault(name, value)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Make every value JSON's own."""
        if are_ready(log_data.values()):  # as those of nearly all events
            return log_data
        return {name: json_ready(item) for name, item in log_data.items()}

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Return the object as exactly one line, redacted."""
        return redacted_json(log_data, self._redact)
