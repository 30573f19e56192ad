"""What a team lets pass between its files and its history, and up to where to migrate."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from hook.core.schema_history.cherry_pick import CherryPick
from hook.core.scripts.version import InvalidVersion, Version

_PATTERN_KINDS = ("*", "repeatable", "versioned")
_PATTERN_STATES = ("*", "missing", "pending", "ignored", "future")


class IgnorePattern(NamedTuple):
    """Migrations of a kind and in a state that validation passes over.

    *state* is compared with the displayed state, so ``missing`` leaves
    ``Failed (Missing)`` an error.
    """

    kind: str = "*"
    state: str = "future"

    def matches(self, state: str, *, is_versioned: bool) -> bool:
        """Tell whether a migration with the displayed *state* is passed over."""
        kind = "versioned" if is_versioned else "repeatable"
        return self.kind in {"*", kind} and self.state in {"*", state.lower()}


def parse_ignore_pattern(text: str) -> IgnorePattern:
    """Return the pattern ``kind:state``.

    Raises:
        ValueError: Kind or state is none of the known words.
    """
    kind, _, state = (part.strip().lower() for part in text.partition(":"))
    if kind not in _PATTERN_KINDS:
        raise ValueError(f"{text!r}: the first word must be one of {', '.join(_PATTERN_KINDS)}")
    if state not in _PATTERN_STATES:
        raise ValueError(f"{text!r}: the second word must be one of {', '.join(_PATTERN_STATES)}")
    return IgnorePattern(kind, state)


class TargetKind(Enum):
    """Where migrating stops."""

    LATEST = "latest"
    CURRENT = "current"
    NEXT = "next"
    VERSION = "version"


class Target(NamedTuple):
    """Where migrating stops; repeatables run whatever it is.

    Attributes:
        version: Of `TargetKind.VERSION` only.
        must_exist: A migration of that version has to be in the release or the history.
    """

    kind: TargetKind = TargetKind.LATEST
    version: Version | None = None
    must_exist: bool = True


def parse_target(text: str) -> Target:
    """Return the target that *text* names: a word or ``<version>``, also with ``?`` behind it.

    Raises:
        ValueError: It is neither.
    """
    word = text.strip()
    for kind in (TargetKind.LATEST, TargetKind.CURRENT, TargetKind.NEXT):
        if word.lower().removesuffix("?") == kind.value:
            return Target(kind)
    try:
        version = Version.parse(word.removesuffix("?"))
    except InvalidVersion as error:
        raise ValueError(f"{text!r} is not latest, current, next or a version") from error
    return Target(TargetKind.VERSION, version, must_exist=not word.endswith("?"))


class OnAhead(Enum):
    """What it means that the database is newer than the release."""

    PASS = "pass"  # noqa: S105 - a word of a setting
    FAIL = "fail"


class HistoryRules(NamedTuple):
    """The rules by which files and history are compared.

    Attributes:
        is_out_of_order: Versions below the newest applied one may still be applied.
        cherry_pick: Which migrations are applied, and in which order.
        knows_newer_repeatables: A repeatable that was applied after all that the release has
            is a newer release's; without it, as for Flyway, its file is lost.
        is_grouped: All that is pending is one step, which the target ``next`` takes whole.
        validates: Disagreements stop the run; otherwise they are told as warnings.
    """

    is_out_of_order: bool = False
    target: Target = Target()
    ignore_patterns: tuple[IgnorePattern, ...] = (IgnorePattern(),)
    on_ahead: OnAhead = OnAhead.PASS
    validates: bool = True
    cherry_pick: CherryPick = CherryPick()
    knows_newer_repeatables: bool = True
    is_grouped: bool = False

    def ignores(self, state: str, *, is_versioned: bool) -> bool:
        """Tell whether validation passes over a migration with the displayed *state*."""
        return any(
            pattern.matches(state, is_versioned=is_versioned) for pattern in self.ignore_patterns
        )
