"""The page about the log, held to the events that the code tells."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from hook.core.execution.attempt_events import AnswerEvents, Told
from hook.log.json_lines import LIBRARY_EVENT
from tests.testbed.process import ROOT

_ROW = re.compile(r"^\| `([a-z.]+)` \| (.*?) \| .*? \| (.*) \|$", re.MULTILINE)
_PAGE = (ROOT / "docs" / "log.md").read_text(encoding="utf-8")
_ROWS = {event: (levels, fields) for event, levels, fields in _ROW.findall(_PAGE)}
# Of the event, and not one of its fields.
_LEVEL = "level"


@cache
def told() -> dict[str, set[str]]:
    """Return each event of the code, with the fields that are named where it is told."""
    events: dict[str, set[str]] = {LIBRARY_EVENT: set()}
    for event, fields in _calls():
        events.setdefault(event, set()).update(fields)
    return events


def _calls() -> Iterator[tuple[str, set[str]]]:
    files = (path.read_text(encoding="utf-8") for path in (ROOT / "hook").rglob("*.py"))
    nodes = (node for text in files for node in ast.walk(ast.parse(text)))
    for call in (node for node in nodes if isinstance(node, ast.Call) and node.args):
        name = ast.unparse(call.func)
        if name == Told.__name__ and isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value), set()
        elif name == AnswerEvents.__name__:
            yield from ((str(ast.literal_eval(event)), set()) for event in call.args)
        elif name.endswith(("events", "_tell")) and isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value), {item.arg for item in call.keywords if item.arg}
        elif name == Told.__name__ and isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value), set(_keys(call.args[2]))


def _keys(fields: ast.expr) -> Iterator[str]:
    """Yield the names in *fields*, a dict that is written out."""
    assert isinstance(fields, ast.Dict)
    return (str(ast.literal_eval(key)) for key in fields.keys if key is not None)


def test_page_has_every_event() -> None:
    """And none that does not exist."""
    assert len(told()) > 25
    assert set(_ROWS) == set(told())


@pytest.mark.parametrize("event", sorted(told()))
def test_page_has_every_field(event: str) -> None:
    """Those that are named where the event is told; what a finding is about has no end."""
    levels, fields = _ROWS[event]
    if "as there" not in fields:
        assert told()[event] - {_LEVEL} <= set(re.findall(r"`(\w+)`", fields))
    assert (_LEVEL not in told()[event]) or levels != "info"


def test_page_shows_only_fields_that_exist() -> None:
    """What is typed at three in the morning has to work the first time."""
    commands = re.findall(r"jq .*", _PAGE)
    assert len(commands) == 2
    known = {"level", "event", "message", "hint", "command"}.union(*told().values())
    for command in commands:
        assert set(re.findall(r"\.(\w+)", command)) <= known
