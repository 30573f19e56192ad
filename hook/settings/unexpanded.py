"""References that Kubernetes left in a value instead of expanding them."""

from __future__ import annotations

import re
from collections.abc import Container

from hook.settings.setting import Problem

# Settings that are put together from what may be set by itself.
_OF_PARTS = "_URL"
_FLAG = "-"
_REFERENCE = r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)"


def is_unexpanded(text: str) -> bool:
    """Tell whether *text* holds a literal ``$(NAME)``."""
    return "$(" in text and re.search(_REFERENCE, text) is not None


def unexpanded_problem(label: str, text: str, defined: Container[str]) -> Problem:
    """Return the problem of *text*, see `explain_unexpanded`.

    Whatever it was given by, it is the manifest that has to be mended, not the usage of
    a flag.
    """
    message, hint = explain_unexpanded(label, text, defined)
    return Problem(message, hint=hint)


def explain_unexpanded(label: str, text: str, defined: Container[str]) -> tuple[str, str]:
    """Return message and hint for the ``$(NAME)`` in *text*, the value of *label*.

    Source: Kubernetes, "Define Dependent Environment Variables": a reference is
    expanded only to a variable that stands earlier in the list, else it is kept.

    Args:
        label: The setting.
        text: Its value; only the reference is quoted.
        defined: Names of the variables that the process has.
    """
    match = re.search(_REFERENCE, text)
    name = match[1] if match else ""
    if name == label:
        message = f"{label} holds a literal $({name}), which Kubernetes left alone: its own name"
        return message, f"Give {label} a value, or take it from a Secret by valueFrom."
    if label.startswith(_FLAG):
        return _explain_flag(label, name, defined)
    is_late = name in defined
    reason = f"{name} is defined only after it" if is_late else f"{name} is not defined"
    verb = "Move" if is_late else "Define"
    message = f"{label} holds a literal $({name}), which Kubernetes left alone: {reason}"
    hint = (
        f"{verb} {name} above {label} in the container's env list: Kubernetes expands only what"
        " is defined earlier."
    )
    if label.endswith(_OF_PARTS):
        hint += (
            f" Or leave {label} out when presync can read the parts themselves (POSTGRES_HOST and"
            " its kin)."
        )
    return message, hint


def _explain_flag(label: str, name: str, defined: Container[str]) -> tuple[str, str]:
    """Return message and hint for a flag: in args the order of the variables does not matter."""
    reason = f"{name} is not defined, so that Kubernetes left it alone"
    hint = (
        f"Define {name} in the container's env list: in command and args Kubernetes expands only"
        " what is defined there."
    )
    if name in defined:
        reason = "nothing has expanded it"
        hint = f"Write the value itself: only Kubernetes expands $({name}), in command and args."
    return f"{label} holds a literal $({name}): {reason}", hint
