"""What a role is missing to write what a run writes beside the migrations."""

from __future__ import annotations

import pytest

from hook.core.outcome import Status
from hook.core.schema_history.history import History
from hook.core.schema_history.own_rights import OwnRights, judge_ledger_rights, judge_own_rights
from hook.errors import ExitCode
from tests.testbed import release

SERVER = release.SERVER._replace(user="app", database="shop")
THERE = History("s", "h", exists=True)
ABSENT = History("s", "h", exists=False)
NOWHERE = History("s", "h", exists=False, missing_schemas=("s", "t"))
ALL = OwnRights(creates_schemas=True, creates_tables=True, records=True, ledger_lacks=())
NONE = OwnRights(creates_schemas=False, creates_tables=False, records=False, ledger_lacks=None)


@pytest.mark.parametrize(
    ("history", "message"),
    [(THERE, "app may write into s.h"), (ABSENT, "app may create s.h")],
)
def test_right_that_is_there_is_told(history: History, message: str) -> None:
    """Which one is needed depends on what is there."""
    (finding,) = judge_own_rights(ALL, history, SERVER, creates_schemas=True)
    assert (finding.status, finding.message) == (Status.PASSED, message)


@pytest.mark.parametrize(
    ("history", "message", "hint"),
    [
        (
            THERE,
            "app may read s.h and not write into it",
            'GRANT INSERT ON "s"."h" TO "app";',
        ),
        (ABSENT, "app may not create s.h", 'GRANT CREATE ON SCHEMA "s" TO "app";'),
    ],
)
def test_right_that_is_missing_has_its_grant(history: History, message: str, hint: str) -> None:
    """Ready to be run by whoever may."""
    (finding,) = judge_own_rights(NONE, history, SERVER, creates_schemas=True)
    assert (finding.code, finding.message, finding.hint) == (ExitCode.AUTH, message, hint)


def test_missing_schemas_need_a_right_on_the_database() -> None:
    """Unless nobody is to create them, which is told elsewhere."""
    rights = NONE._replace(creates_tables=None, records=None)
    (finding,) = judge_own_rights(rights, NOWHERE, SERVER, creates_schemas=True)
    assert finding.message == "app may not create schema s, t"
    assert finding.hint == 'GRANT CREATE ON DATABASE "shop" TO "app";'
    (finding,) = judge_own_rights(rights, NOWHERE, SERVER, creates_schemas=False)
    assert finding.code is ExitCode.OK


@pytest.mark.parametrize(
    ("rights", "message", "grant"),
    [
        (
            ALL._replace(ledger_lacks=("SELECT", "UPDATE")),
            "app has not SELECT, UPDATE on s.l",
            'GRANT SELECT, UPDATE ON "s"."l" TO "app"; ',
        ),
        (NONE, "app may not create s.l", 'GRANT CREATE ON SCHEMA "s" TO "app"; '),
    ],
)
def test_ledger_that_cannot_be_kept_is_a_warning(
    rights: OwnRights, message: str, grant: str
) -> None:
    """A run goes on without it."""
    (finding,) = judge_ledger_rights(rights, "s", "l", "app")
    assert (finding.status, finding.code) == (Status.WARNED, ExitCode.OK)
    assert finding.message.startswith(f"{message}: ")
    assert finding.hint.startswith(grant)


@pytest.mark.parametrize(
    "rights", [ALL, ALL._replace(ledger_lacks=None), NONE._replace(creates_tables=None)]
)
def test_ledger_that_can_be_kept_is_not_told(rights: OwnRights) -> None:
    """It is there, or will be, also in a schema that is not there yet."""
    assert judge_ledger_rights(rights, "s", "l", "app") == ()
