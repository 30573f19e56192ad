"""What is said on the command line alone, never by a variable or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hook.core.scripts.version import Version

if TYPE_CHECKING:
    from hook.core.schema_history.info_filter import InfoFilter


class Orders(NamedTuple):
    """What somebody told one command, this once.

    Attributes:
        is_confirmed: ``--yes``: make the changes, instead of telling them only.
        only: ``--version``: the one version to repair.
        retries_failed: ``--retry-failed``: run what is remembered to have failed.
        shows_runs: ``--runs``: show past runs instead of migrations.
        wants_sql: ``--sql``: show the statements of the plan.
        wants_policy: ``--iam-policy``: show the rights that the settings need in AWS.
        shown: What `info` is to show, none for everything.
    """

    is_confirmed: bool = False
    only: Version | None = None
    retries_failed: bool = False
    shows_runs: bool = False
    wants_sql: bool = False
    wants_policy: bool = False
    shown: InfoFilter | None = None
