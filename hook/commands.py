"""The commands of presync, apart from how their command lines are read."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from hook.settings.load import Need
from hook.settings.setting import Group

DEFAULT_COMMAND = "run"
# Flyway's name for it, as it stands in manifests.
ALIASES = {"migrate": DEFAULT_COMMAND}

OFFLINE_GROUPS = (Group.MIGRATIONS, Group.FLYWAY, Group.OUTPUT)
READING_GROUPS = (Group.DATABASE, *OFFLINE_GROUPS)
RUN_GROUPS = (Group.DATABASE, Group.MIGRATIONS, Group.FLYWAY, Group.RUN, Group.OUTPUT)
ALL_GROUPS = tuple(Group)


class OwnFlag(Enum):
    """A flag that no variable or file can stand for."""

    CONFIRM = "--yes"
    ONE_VERSION = "--version"
    RETRY_FAILED = "--retry-failed"
    RUNS = "--runs"
    SQL = "--sql"
    SINCE_DATE = "--since-date"
    UNTIL_DATE = "--until-date"
    SINCE_VERSION = "--since-version"
    UNTIL_VERSION = "--until-version"
    OF_STATE = "--of-state"
    IDS = "--ids"
    IAM_POLICY = "--iam-policy"

    @property
    def takes_value(self) -> bool:
        """Tell whether a value follows the flag."""
        return self not in _SWITCHES


_SWITCHES = frozenset(
    {
        OwnFlag.CONFIRM,
        OwnFlag.RETRY_FAILED,
        OwnFlag.RUNS,
        OwnFlag.SQL,
        OwnFlag.IDS,
        OwnFlag.IAM_POLICY,
    }
)


class CommandShape(NamedTuple):
    """A command as the user sees it.

    Attributes:
        takes_paths: It has arguments for folders.
        flags: Of its own, beside those of the settings.
    """

    name: str
    meaning: str
    example: str
    need: Need
    groups: tuple[Group, ...]
    takes_paths: bool = False
    flags: tuple[OwnFlag, ...] = ()


SHAPES = (
    CommandShape(
        "run",
        "Bring the database to the level that the release needs, or refuse and say why."
        " Writes only when something is pending, or callbacks do.",
        "presync run --backup-max-age 12h",
        Need.DATABASE,
        ALL_GROUPS,
        flags=(OwnFlag.RETRY_FAILED,),
    ),
    CommandShape(
        "check",
        "Run every gate, whether or not something is pending. Changes nothing.",
        "presync check --format text",
        Need.DATABASE,
        ALL_GROUPS,
    ),
    CommandShape(
        "plan",
        "Show what `run` would apply, in which order and with which locks. Changes nothing.",
        "presync plan --sql",
        Need.DATABASE,
        RUN_GROUPS,
        flags=(OwnFlag.SQL,),
    ),
    CommandShape(
        "info",
        "Show the state of every migration, or with --runs the last runs that had work to do."
        " Changes nothing, but runs the callbacks of info.",
        "presync info --of-state pending --format text",
        Need.DATABASE,
        RUN_GROUPS,
        flags=(
            OwnFlag.RUNS,
            OwnFlag.SINCE_DATE,
            OwnFlag.UNTIL_DATE,
            OwnFlag.SINCE_VERSION,
            OwnFlag.UNTIL_VERSION,
            OwnFlag.OF_STATE,
            OwnFlag.IDS,
        ),
    ),
    CommandShape(
        "validate",
        "Compare the schema history with the files; list every disagreement. Changes"
        " nothing, but runs the callbacks of validate.",
        "presync validate --out-of-order true",
        Need.DATABASE,
        READING_GROUPS,
    ),
    CommandShape(
        "verify",
        "Tell whether the schema is at the level that the release needs. For init containers;"
        " needs only SELECT on the schema history.",
        "presync verify --wait-timeout 30s",
        Need.DATABASE,
        READING_GROUPS,
    ),
    CommandShape(
        "repair",
        "Remove failed rows from the schema history, mark missing migrations as deleted, take"
        " over checksums and descriptions of the files. Shows every row first; changes them"
        " with --yes.",
        "presync repair --format text",
        Need.DATABASE,
        RUN_GROUPS,
        flags=(OwnFlag.CONFIRM, OwnFlag.ONE_VERSION),
    ),
    CommandShape(
        "baseline",
        "Start the schema history of an existing database at FLYWAY_BASELINE_VERSION. Shows"
        " what it creates; creates it with --yes.",
        "presync baseline --baseline-version 3",
        Need.DATABASE,
        RUN_GROUPS,
        flags=(OwnFlag.CONFIRM,),
    ),
    CommandShape(
        "lint",
        "Judge migration files without a database: those in each PATH, or where none is named"
        " those of the configured locations.",
        "presync lint ./migrations",
        Need.NO_DATABASE,
        OFFLINE_GROUPS,
        takes_paths=True,
    ),
    CommandShape(
        "config",
        "Show the settings in force, secrets masked, and where each was given; or with"
        " --iam-policy the rights that they need in AWS.",
        "presync config --format text",
        Need.ANY_DATABASE,
        ALL_GROUPS,
        flags=(OwnFlag.IAM_POLICY,),
    ),
    CommandShape(
        "digest",
        "Show the digest of the release's migrations. Needs no database.",
        "presync digest --locations ./migrations --format text",
        Need.NO_DATABASE,
        OFFLINE_GROUPS,
    ),
)
