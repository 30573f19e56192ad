"""The line at the foot of a terminal, drawn and taken away."""

from __future__ import annotations

import io
import os
import pty
import threading
from collections.abc import Iterator

import pytest

from hook.core.reporting.redaction import Redactor
from hook.log import EventLog, Style, build_events
from hook.render.delivery import open_live
from hook.render.live import APPEARS_AFTER, LiveTerminal

ERASE = "\r\x1b[K"
STARTED = {"script": "V2__x.sql", "number": 2, "of": 5}
SECRET = "s3cr3t-pass"


class Clock:
    """Seconds that a test sets."""

    seconds = 100.0

    def __call__(self) -> float:
        """Return them."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def stream() -> io.StringIO:
    """Return what takes the place of the terminal; it has no size, and is nobody's."""
    return io.StringIO()


@pytest.fixture
def live(stream: io.StringIO, clock: Clock) -> Iterator[LiveTerminal]:
    """Return a line that nobody draws but the test, with a script that runs for a while."""
    line = LiveTerminal(stream, Redactor([SECRET]), clock)
    line._thread = threading.current_thread()
    line.take("migration.started", STARTED)
    clock.seconds += APPEARS_AFTER
    yield line
    line.close()


def written(stream: io.StringIO) -> str:
    """Return what was written since the last time."""
    text = stream.getvalue()
    stream.seek(0)
    stream.truncate()
    return text


def test_line_is_drawn_once_as_long_as_it_stays_the_same(
    live: LiveTerminal, stream: io.StringIO, clock: Clock
) -> None:
    """Over the one before, from the first column on."""
    live.draw()
    live.draw()
    assert written(stream) == f"{ERASE}2 of 5  V2__x.sql  0s"
    clock.seconds += 1
    live.draw()
    assert written(stream) == f"{ERASE}2 of 5  V2__x.sql  1s"


def test_line_of_a_quick_script_never_appears(
    live: LiveTerminal, stream: io.StringIO, clock: Clock
) -> None:
    """Its lines in the log say it all."""
    live.take("migration.applied", {})
    live.take("migration.started", STARTED)
    clock.seconds += APPEARS_AFTER / 2
    live.draw()
    assert written(stream) == ""


def test_line_makes_room_for_others_and_comes_back(live: LiveTerminal, stream: io.StringIO) -> None:
    """Nothing is ever written behind it."""
    live.draw()
    written(stream)
    with live.cleared():
        stream.write("something else\n")
    assert written(stream) == f"{ERASE}something else\n"
    live.draw()
    assert written(stream) == f"{ERASE}2 of 5  V2__x.sql  0s"


def test_line_ends_with_the_script(live: LiveTerminal, stream: io.StringIO) -> None:
    """It is taken away once, and nothing is drawn."""
    live.draw()
    written(stream)
    assert not live.take("migration.applied", {})
    live.draw()
    with live.cleared():
        pass
    assert written(stream) == ERASE


def test_closed_line_is_not_drawn_again(live: LiveTerminal, stream: io.StringIO) -> None:
    """Although the script never ended."""
    live.draw()
    live.close()
    live.draw()
    assert written(stream) == f"{ERASE}2 of 5  V2__x.sql  0s{ERASE}"


def test_line_has_no_secret_and_no_control_characters(
    live: LiveTerminal, stream: io.StringIO
) -> None:
    """A file may have any name, and a statement anything in it."""
    statement = f"SELECT '{SECRET}\x1b[2J'"
    assert live.take("migration.progress", {"line": 1, "statement": statement})
    live.draw()
    assert written(stream).endswith(r"line 1, SELECT '***\u001b[2J'")


def test_terminal_without_unicode_is_given_what_it_has() -> None:
    """A character that it does not know would be shown as an escape, and be too wide."""
    data = io.BytesIO()
    clock = Clock()
    live = LiveTerminal(io.TextIOWrapper(data, "ascii"), Redactor(()), clock)
    live._thread = threading.current_thread()
    live.take("migration.started", {"script": "V2__表.sql " + 100 * "x", "number": 1, "of": 1})
    clock.seconds += APPEARS_AFTER
    live.draw()
    text = data.getvalue().decode()
    assert text.startswith(f"{ERASE}1 of 1  V2__?.sql")
    assert text.endswith("x...")
    assert len(text) == len(ERASE) + 79, "the usual width, less the last column"


def test_terminal_that_is_gone_ends_nothing(clock: Clock) -> None:
    """The migration goes on without it."""
    gone = io.StringIO()
    live = LiveTerminal(gone, Redactor(()), clock)
    live._thread = threading.current_thread()
    live.take("migration.started", STARTED)
    clock.seconds += APPEARS_AFTER
    gone.close()
    live.draw()
    live.take("migration.applied", {})
    assert live._closed.is_set()


def test_log_writes_around_the_line_and_leaves_progress_to_it(
    stream: io.StringIO, live: LiveTerminal
) -> None:
    """What is drawn is not logged; what is logged is not drawn over."""
    log: EventLog = build_events("r1", Style.PLAIN, stream, Redactor(()), live)
    assert log.pace == live.pace
    live.draw()
    written(stream)
    log("migration.progress", "V2__x.sql running for 1s", script="V2__x.sql")
    assert written(stream) == ""
    log("retry.scheduled", "V2__x.sql: attempt 1 of 3", script="V2__x.sql", attempts=1)
    assert written(stream).startswith(f"{ERASE}")
    live.draw()
    assert written(stream) == f"{ERASE}2 of 5  V2__x.sql  0s  after attempt 1"
    log.close()
    assert written(stream) == ERASE


@pytest.mark.parametrize(
    ("style", "environment", "lines"),
    [
        (Style.COLOUR, {"TERM": "xterm"}, 1),
        (Style.PLAIN, {"TERM": "xterm", "NO_COLOR": "1"}, 1),
        (Style.PLAIN, {"TERM": "dumb"}, 0),
        (Style.PLAIN, {"TERM": ""}, 0),
        (Style.PLAIN, {}, 0),
        (Style.JSON, {"TERM": "xterm"}, 0),
    ],
)
def test_line_is_for_terminals_that_can_redraw(
    style: Style, environment: dict[str, str], lines: int
) -> None:
    """And for logs that people read."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        live = open_live(style, terminal, environment, Redactor(()))
    assert [live].count(None) == 1 - lines
    os.close(master)


def test_file_has_no_line(stream: io.StringIO) -> None:
    """Whatever the terminal is that the process was started from."""
    assert open_live(Style.PLAIN, stream, {"TERM": "xterm"}, Redactor(())) is None
