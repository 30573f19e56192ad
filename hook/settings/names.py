"""Variables that look like settings: a misspelled or unsupported one is never ignored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hook.settings import flyway_variables
from hook.settings.connection_variables import JDBC_PROPERTY
from hook.settings.flyway_files import PLACEHOLDER
from hook.settings.setting import Given, Origin, Problem
from hook.settings.specification import SETTINGS
from hook.settings.suggestion import did_you_mean

OWN = "PRESYNC_"
FLYWAY = "FLYWAY_"
_FOR_ALL = "FLYWAY_PLACEHOLDER_"

# For a Service called "presync" or "flyway" Kubernetes sets these in every pod beside it
# ("Discovering services", environment variables).
_SERVICE_LINK = (
    r"(?:PRESYNC|FLYWAY)(?:_[A-Z0-9_]+)?_(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)

NOT_YET = frozenset(
    OWN + name
    for name in (
        "SAFETY_POLICY",
        "WINDOW",
        "WINDOW_POLICY",
    )
)

KNOWN = frozenset(name for setting in SETTINGS for name in setting.environment)
_READ_ELSEWHERE = (
    flyway_variables.CONNECTION | flyway_variables.FILES | flyway_variables.HARMLESS.keys()
)
_FLYWAY_NAMES = frozenset(
    name
    for names in (KNOWN, _READ_ELSEWHERE, flyway_variables.ONLY, flyway_variables.REFUSED)
    for name in names
    if name.startswith(FLYWAY)
)


def judge_names(environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each variable that looks like a setting and is none."""
    for name, value in environment.items():
        if not value or name in KNOWN or not name.startswith((OWN, FLYWAY)):
            continue
        if re.fullmatch(_SERVICE_LINK, name):
            continue
        if name.startswith(OWN):
            yield _own_problem(name)
        else:
            yield from _flyway_problem(name, Given(value, Origin.ENVIRONMENT, name))


def judge_flyway_files(variables: Mapping[str, Given]) -> Iterator[Problem]:
    """Yield a problem for each value of Flyway's files that its variable could not have."""
    for name, given in variables.items():
        if name not in KNOWN:
            yield from _flyway_problem(name, given)


def note_harmless(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each variable of Flyway's that makes no difference."""
    for name, reason in flyway_variables.HARMLESS.items():
        if environment.get(name):
            yield f"{name} makes no difference: {reason}"


def not_yet(label: str) -> Problem:
    """Return the problem of one of `NOT_YET`, given as *label*."""
    return Problem(f"{label} is not supported in this version", hint=f"Remove {label}.")


def _own_problem(name: str) -> Problem:
    if name in NOT_YET:
        return not_yet(name)
    return _unknown(name, Given("", Origin.ENVIRONMENT, name), KNOWN)


def _flyway_problem(name: str, given: Given) -> Iterator[Problem]:
    if name.startswith((PLACEHOLDER, JDBC_PROPERTY)) or name in _READ_ELSEWHERE:
        return
    accepted, reason = flyway_variables.ONLY.get(name, ((), ""))
    if accepted and given.text.strip().lower() in {value.lower() for value in accepted}:
        return
    label, origin = given.label, given.origin
    reason = reason or flyway_variables.REFUSED.get(name, "")
    if accepted:
        text = f"{label} can only be {' or '.join(accepted)}: {reason}"
    elif reason:
        text = f"{label} is not supported: {reason}"
    else:
        yield _unknown(name, given, _FLYWAY_NAMES)
        return
    yield Problem(text, origin, f"Remove {label}.")


def _unknown(name: str, given: Given, known: frozenset[str]) -> Problem:
    text = f"{given.label} is not a setting{_meant(name, known)}"
    return Problem(text, given.origin, f"Correct the name of {given.label}, or remove it.")


def _meant(name: str, known: frozenset[str]) -> str:
    rest = name.removeprefix(_FOR_ALL)
    # What settings for all placeholders begin with makes any two alike.
    ends = (item.removeprefix(_FOR_ALL) for item in known if item.startswith(_FOR_ALL))
    if rest and rest != name and not did_you_mean(rest, ends):
        return f"; did you mean {PLACEHOLDER}{rest}?"
    return did_you_mean(name, known)
