"""The callbacks of a release: their order, what may not be among them, what never runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hook.core.scripts.callback import Callback
from hook.core.scripts.events import never_fired_because
from hook.core.scripts.problem import Problem

NEVER_RUN = "callback-never-run"
SKIPPED = "callback-skipped"
ELSEWHERE = "callback-elsewhere"


def order_callbacks(found: Iterable[Callback]) -> tuple[Callback, ...]:
    """Return the callbacks by event, those of one event in the order in which they run.

    That is the order of their descriptions by UTF-16 code units, as Java compares
    strings; the one without description goes first.
    """
    return tuple(sorted(found, key=lambda item: (*_running_order(item), item.path)))


def find_duplicates(callbacks: Iterable[Callback]) -> list[Problem]:
    """Return a problem for each of *callbacks* that is the same as another one.

    That they are wherever they are; Flyway refuses even identical files.
    """
    unique: dict[tuple[str, str], Callback] = {}
    problems = []
    for callback in sorted(callbacks, key=lambda item: item.path):
        first = unique.setdefault((callback.event, callback.description), callback)
        if first is not callback:
            text = f"{first.path} and {callback.path} are the same callback"
            problems.append(Problem(text, "Give each of them a description of its own."))
    return problems


def note_never_run(callbacks: Iterable[Callback]) -> tuple[tuple[str, str], ...]:
    """Return a note for each of *callbacks* at whose event no command ever comes."""
    return tuple(
        (NEVER_RUN, f"{item.script} is never run: {reason}")
        for item in callbacks
        if (reason := never_fired_because(item.event))
    )


def note_skipped(scripts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the note of callbacks that a setting switches off."""
    return _note(SKIPPED, scripts, "FLYWAY_SKIP_DEFAULT_CALLBACKS is true")


def note_elsewhere(scripts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the note of callbacks beside the migrations when a setting names other folders."""
    return _note(ELSEWHERE, scripts, "FLYWAY_CALLBACK_LOCATIONS names other folders")


def _note(rule: str, scripts: Sequence[str], reason: str) -> tuple[tuple[str, str], ...]:
    return ((rule, f"not run, as {reason}: {', '.join(sorted(scripts))}"),) if scripts else ()


def _running_order(callback: Callback) -> tuple[str, bytes]:
    return callback.event, callback.description.encode("utf-16-be", "surrogatepass")
