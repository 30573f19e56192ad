"""One line that tells what runs at this moment, made of the events of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from unicodedata import east_asian_width

from hook.core.span import describe_span

_PROGRESS = frozenset({"migration.progress", "callback.progress"})
_ENDS = frozenset({"migration.applied", "callback.finished", "stage.finished", "run.finished"})
_BAR = 20
# Below so many columns there is more to tell than there is room for.
_ROOM_FOR_BAR = 72
_SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class LiveLine:
    """What runs.

    Attributes:
        title: Which script, and which of how many; empty while none runs.
        began: When it did, on the monotonic clock.
        attempts: How many attempts at it have failed.
        known: What the latest event of progress told of it.
    """

    title: str = ""
    began: float = 0.0
    attempts: int = 0
    known: Mapping[str, object] = field(default_factory=dict)
    _first: tuple[object, object] | None = None

    def take(self, event: str, fields: Mapping[str, object], now: float) -> bool:
        """Take note of *event*; tell whether the line says all of it."""
        if event == "migration.started":
            self._begin_migration(fields, now)
        elif event == "callback.started":
            self._begin(f"callback {fields['script']}", now)
        elif event in _PROGRESS:
            self.known = fields
        elif event == "retry.scheduled" and self.title:
            self.known, self.attempts = {}, int(str(fields["attempts"]))
        elif event in _ENDS:
            self.title, self._first = "", None
        return event in _PROGRESS

    def describe(self, now: float, columns: int) -> str:
        """Return what runs *now*, what is short first; empty when nothing does."""
        if not self.title:
            return ""
        seconds = timedelta(seconds=int(now - self.began))
        pieces = (
            self.title,
            describe_span(seconds),
            f"after attempt {self.attempts}" if self.attempts else "",
            self._bar() if columns >= _ROOM_FOR_BAR else "",
            self._told("percent", "{} %"),
            self._told("phase", f"{self.known.get('command')}: {{}}"),
            self._told("waits_for", "waiting for pid {}"),
            self._told("in_the_way", "in the way: {}"),
            self._told("line", f"line {{}}, {self.known.get('statement')}"),
        )
        return "  ".join(piece for piece in pieces if piece)

    def _told(self, name: str, form: str) -> str:
        value = self.known.get(name)
        return "" if value is None else form.format(value)

    def _bar(self) -> str:
        percent = self.known.get("percent")
        if not isinstance(percent, int):
            return ""
        done = percent * _BAR // 100
        return f"[{'#' * done}{'.' * (_BAR - done)}]"

    def _begin_migration(self, fields: Mapping[str, object], now: float) -> None:
        """Begin with a script, or go on with one more of the same transaction."""
        script, number = fields["script"], fields["number"]
        if self._first is None:
            self._begin(f"{number} of {fields['of']}  {script}", now)
            self._first = (script, number)
        else:
            first, first_number = self._first
            self.title = f"{first_number} to {number} of {fields['of']}  {first} … {script}"

    def _begin(self, title: str, now: float) -> None:
        self.title, self.began, self.attempts, self.known = title, now, 0, {}


def fit(text: str, columns: int, mark: str) -> str:
    """Return *text*, one line, cut to *columns* of a terminal, the cut shown by *mark*.

    What may be two columns wide is taken for it, and what has no width for one: a line that
    is a little short harms nobody, one that is too long goes on in the next row.
    """
    if _width(text) <= columns:
        return text
    room = columns - _width(mark)
    end = 0
    while end < len(text) and (room := room - _width(text[end])) >= 0:
        end += 1
    return text[:end].rstrip() + mark if room + columns > 0 and columns >= _width(mark) else ""


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(char) in {"W", "F", "A"} else 1 for char in text)
