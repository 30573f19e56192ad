"""The way out of the process."""

from __future__ import annotations

import io

import pytest

from hook.core.reporting.redaction import Redactor
from hook.log import Style
from hook.render.delivery import Delivery, choose_style
from hook.settings.output import OutputFormat, OutputSettings
from tests.fakes import FakeEvents
from tests.unit.render.backup_tables import CHECK
from tests.unit.render.reports import LONG_RUN, REFUSED_RUN

TEXT, JSON = OutputFormat.TEXT, OutputFormat.JSON


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Claim it."""
        return True


@pytest.mark.parametrize(
    ("wanted", "stream", "environment", "expected"),
    [
        (None, Terminal(), {}, Style.COLOUR),
        (None, Terminal(), {"NO_COLOR": "1"}, Style.PLAIN),
        (None, Terminal(), {"TERM": "dumb"}, Style.PLAIN),
        (None, io.StringIO(), {}, Style.JSON),
        (TEXT, io.StringIO(), {}, Style.PLAIN),
        (TEXT, Terminal(), {"NO_COLOR": ""}, Style.COLOUR),
        (JSON, Terminal(), {}, Style.JSON),
    ],
)
def test_style_follows_wish_and_terminal(
    wanted: OutputFormat | None, stream: io.StringIO, environment: dict[str, str], expected: Style
) -> None:
    """Text on a terminal, JSON elsewhere, unless asked otherwise; colour only on a terminal."""
    assert choose_style(wanted, stream, environment) is expected


def delivery(stream: io.TextIOWrapper) -> Delivery:
    """Return the way out to *stream*."""
    output = OutputSettings(termination_log="/dev/null")
    return Delivery(output, Redactor(["c4nary"]), Style.PLAIN, stream, FakeEvents())


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", "✗ backup"), ("ascii", "x backup"), ("latin-1", "x backup")]
)
def test_text_fits_the_encoding_of_the_terminal(encoding: str, mark: str) -> None:
    """A terminal without Unicode gets other marks, never an error."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding)
    delivery(stream).show(REFUSED_RUN)
    text = raw.getvalue().decode(encoding)
    assert mark in text
    assert REFUSED_RUN.verdict in text


@pytest.mark.parametrize(("columns", "is_wide"), [("200", True), ("80", False)])
def test_table_is_as_wide_as_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: str, *, is_wide: bool
) -> None:
    """A row that would be broken takes several lines instead; where nobody sees it, one."""
    monkeypatch.setenv("COLUMNS", columns)
    output = OutputSettings(termination_log="/dev/null")
    for stream in (Terminal(), io.StringIO()):
        Delivery(output, Redactor([]), Style.PLAIN, stream, FakeEvents()).show(CHECK)
        assert ("WAL from" in stream.getvalue()) == (is_wide or not stream.isatty())


def test_long_finding_is_broken_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is piped, into grep for example, has a finding in a line."""
    monkeypatch.setenv("COLUMNS", "80")
    output = OutputSettings(termination_log="/dev/null")
    finding = LONG_RUN.results[-1].findings[0].message
    for stream in (Terminal(), io.StringIO()):
        Delivery(output, Redactor([]), Style.PLAIN, stream, FakeEvents()).show(LONG_RUN)
        assert (finding in stream.getvalue()) is not stream.isatty()


def test_secret_that_a_terminal_would_break_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password may have a blank, and so come to stand in two lines."""
    monkeypatch.setenv("COLUMNS", "80")
    output, stream = OutputSettings(termination_log="/dev/null"), Terminal()
    Delivery(output, Redactor(["statement due to lock"]), Style.PLAIN, stream, FakeEvents()).show(
        LONG_RUN
    )
    assert "canceling *** timeout" in " ".join(stream.getvalue().split())


def test_secret_is_masked_on_the_way_out() -> None:
    """Text and JSON are redacted at the last moment, wherever the secret came from."""
    raw = io.BytesIO()
    way_out = delivery(io.TextIOWrapper(raw, "utf-8"))
    way_out.print_text("login c4nary")
    way_out.print_object({"urls": ["x://u:c4nary@h"]})
    assert raw.getvalue() == b'login ***\n{"urls": ["x://u:***@h"]}\n'
