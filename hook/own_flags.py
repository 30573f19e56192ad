"""The flags that belong to one command and are no settings: their texts, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from hook.commands import OwnFlag
from hook.core.schema_history.info_filter import parse_info_date, parse_states
from hook.core.scripts.version import Version

T = TypeVar("T")
_Callback = Callable[[click.Context, click.Parameter, str | None], T | None]


def _parsed_by(parse: Callable[[str], T]) -> _Callback[T]:
    """Return what hands the text of a flag to *parse*, whose `ValueError` is a usage error."""

    def read(ctx: click.Context, parameter: click.Parameter, text: str | None) -> T | None:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, parameter) from error

    return read


def parameter_of(flag: OwnFlag) -> str:
    """Return under which name click hands over *flag*."""
    return flag.name.lower()


def _valued(
    flag: OwnFlag, parse: Callable[[str], object], metavar: str, meaning: str
) -> click.Option:
    return click.Option(
        [flag.value, parameter_of(flag)], callback=_parsed_by(parse), metavar=metavar, help=meaning
    )


_SWITCHES = {
    OwnFlag.CONFIRM: "Make the changes. Without it they are shown, and nothing is changed.",
    OwnFlag.RETRY_FAILED: (
        "Run a migration that failed a moment ago, although nothing has changed since."
    ),
    OwnFlag.RUNS: "Show the last runs from the ledger, the newest first.",
    OwnFlag.SQL: "Show the statements that `run` would send, as a script for psql.",
    OwnFlag.IDS: "Show versions, and descriptions of repeatables, in one line.",
    OwnFlag.IAM_POLICY: "Show the IAM policy that these settings need in AWS.",
}
OWN_FLAGS = {
    OwnFlag.ONE_VERSION: _valued(
        OwnFlag.ONE_VERSION,
        Version.parse,
        "VERSION",
        "Repair the rows of this version and no other.",
    ),
    OwnFlag.SINCE_DATE: _valued(
        OwnFlag.SINCE_DATE,
        parse_info_date,
        "DATE",
        "Leave out what was applied before 'dd/mm/yyyy hh:mm'.",
    ),
    OwnFlag.UNTIL_DATE: _valued(
        OwnFlag.UNTIL_DATE,
        parse_info_date,
        "DATE",
        "Show only what was applied before 'dd/mm/yyyy hh:mm'.",
    ),
    OwnFlag.SINCE_VERSION: _valued(
        OwnFlag.SINCE_VERSION, Version.parse, "VERSION", "Leave out lower versions."
    ),
    OwnFlag.UNTIL_VERSION: _valued(
        OwnFlag.UNTIL_VERSION, Version.parse, "VERSION", "Show only versions up to this one."
    ),
    OwnFlag.OF_STATE: _valued(
        OwnFlag.OF_STATE, parse_states, "STATE,…", "Show only these states, such as pending."
    ),
    **{
        flag: click.Option([flag.value, parameter_of(flag)], is_flag=True, help=meaning)
        for flag, meaning in _SWITCHES.items()
    },
}
