"""The log, as JSON and as text."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook.core.outcome import Status
from hook.core.reporting.redaction import Redactor
from hook.log import Style, build_events

CANARY = "s3cr3t/canary é"


def lines_of(style: Style, *events: tuple[str, str, dict[str, object]]) -> list[str]:
    """Return the lines that *events* give."""
    stream = io.StringIO()
    log = build_events("r1", style, stream, Redactor([CANARY]))
    for event, message, fields in events:
        log(event, message, **fields)
    return stream.getvalue().splitlines()


def logged(event: str = "finding", message: str = "m", **fields: object) -> dict[str, object]:
    """Return the JSON object that one event gives."""
    (line,) = lines_of(Style.JSON, (event, message, fields))
    parsed: dict[str, object] = json.loads(line)
    return parsed


def test_json_line_has_the_documented_fields_in_order() -> None:
    """Timestamp in UTC with milliseconds, level, event, run id, message, own fields."""
    line = logged("stage.finished", "wait passed", stage="wait", duration_ms=12)
    assert list(line) == [
        *("timestamp", "level", "event", "run_id", "message", "stage", "duration_ms")
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line["timestamp"]))
    assert (line["level"], line["run_id"]) == ("INFO", "r1")


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"status": Status.FAILED}, "ERROR"),
        ({"status": "unknown"}, "ERROR"),
        ({"status": "warned"}, "WARNING"),
        ({"status": "passed"}, "INFO"),
        ({"exit_code": 18}, "ERROR"),
        ({"exit_code": 0}, "INFO"),
        ({"status": "failed", "level": "debug"}, "DEBUG"),
    ],
)
def test_level_follows_from_the_fields(fields: dict[str, object], level: str) -> None:
    """A failed finding is an error, a warned one a warning, unless the event says."""
    (line,) = lines_of(Style.JSON, ("finding", "m", fields))
    assert json.loads(line)["level"] == level


def test_retry_is_a_warning() -> None:
    """A retry is worth a look although nothing failed."""
    assert logged("retry.scheduled")["level"] == "WARNING"


@pytest.mark.parametrize("breaker", ["\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_event_is_one_line_whatever_the_message_holds(breaker: str) -> None:
    """A newline of any kind in an SQL error does not break the line, and is not lost."""
    message = f"syntax error{breaker}at or near “列” 🙂"
    assert logged("finding", message)["message"] == message
    assert len(lines_of(Style.PLAIN, ("finding", message, {}))) == 1


def test_field_never_replaces_a_base_field() -> None:
    """A field named like a base one cannot forge it."""
    line = logged("finding", "true", run_id="forged", timestamp="forged", own=1)
    assert (line["run_id"], line["message"], line["own"]) == ("r1", "true", 1)


def test_values_become_json() -> None:
    """Times, durations, enums, sets and foreign objects all have a JSON form."""
    line = logged(
        moment=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        span=timedelta(seconds=1.5),
        status=Status.PASSED,
        names={"a"},
        path=Path("/x"),
        lone="\udc80",
    )
    expected = ["2026-01-02T03:04:05.000Z", 1500, "passed", ["a"], "/x", "\udc80"]
    assert [line[key] for key in ("moment", "span", "status", "names", "path", "lone")] == expected


@pytest.mark.parametrize("style", list(Style))
@pytest.mark.parametrize("spelling", [CANARY, "s3cr3t%2Fcanary%20%C3%A9", "s3cr3t/canary \\u00e9"])
def test_secret_never_reaches_a_line(style: Style, spelling: str) -> None:
    """A secret is masked in message and fields, nested and percent-encoded too."""
    fields: dict[str, object] = {"hint": f"use {spelling}", "facts": {"urls": [f"x:{spelling}@h"]}}
    (line,) = lines_of(style, ("finding", f"failed for {spelling}", fields))
    assert "s3cr3t" not in line
    assert "***" in line


def test_text_line_shows_time_level_stage_message_and_hint() -> None:
    """A person reads when, how bad, where, what and what next on one line."""
    fields: dict[str, object] = {"stage": "backup", "status": "failed", "hint": "Back up."}
    (line,) = lines_of(Style.PLAIN, ("finding", "too old", fields))
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} ERROR   backup: too old → Back up\.", line)


def test_text_log_leaves_out_debug_events() -> None:
    """A person is not told what only a machine wants to know."""
    assert lines_of(Style.PLAIN, ("stage.started", "wait", {})) == []


def test_colour_is_only_in_the_coloured_style() -> None:
    """Escapes appear when asked for and never otherwise."""
    event: tuple[str, str, dict[str, object]] = ("finding", "m", {"status": "failed"})
    assert "\x1b[31m" in lines_of(Style.COLOUR, event)[0]
    assert "\x1b" not in lines_of(Style.PLAIN, event)[0]


def test_closed_stream_does_not_raise() -> None:
    """A log that nobody can write to any more must not end a run."""
    stream = io.StringIO()
    log = build_events("r1", Style.JSON, stream, Redactor([]))
    stream.close()
    log("finding", "m")


PROGRAM = """
import logging, sys, warnings
from hook.core.reporting.redaction import Redactor
from hook.log import Style, configure_logging
configure_logging("r1", Style.JSON, sys.stderr, Redactor(["s3cr3t"]))
logging.getLogger("botocore.retry").info("not told")
logging.getLogger("botocore.retry").warning("gave up on %s", "s3cr3t")
warnings.warn("old python")
try:
    raise ValueError("s3cr3t")
except ValueError:
    logging.getLogger("x").exception("failed")
"""


def test_library_warnings_come_through_the_same_log() -> None:
    """What a library logs or warns of is JSON and redacted like everything else."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    events = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert [event["logger"] for event in events] == ["botocore.retry", "py.warnings", "x"]
    assert events[0]["message"] == "gave up on ***"
    assert "ValueError: ***" in events[2]["exc_info"]
    assert b"s3cr3t" not in done.stderr
