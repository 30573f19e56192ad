"""What the ledger keeps of a failure, and when that is a reason not to try again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.execution.group import Grouping
from hook.core.execution.prepared import PreparedScript
from hook.core.outcome import Status
from hook.core.reporting.ledger import (
    FirstUnit,
    begun_script,
    find_cut_off,
    has_begun,
    judge_cut_off,
    judge_last_run,
    noted_texts,
    resume,
)
from hook.core.reporting.past_run import BegunScript, FailedScript, PastRun, Resumption
from hook.core.schema_history.plan import Plan
from hook.core.scripts.script import Kind, Migration
from hook.core.scripts.version import Version
from hook.errors import ExitCode
from tests.fakes import NOON
from tests.testbed.release import prepared_script

MEMORY = timedelta(minutes=10)
DIGEST = "sha256:1a2b"
MESSAGE = 'V5__add.sql:17 42703 column "emial" does not exist'
FAILED = FailedScript("V5__add.sql", 7, 5, MESSAGE)
LAST = PastRun(
    command="run",
    run_id="0123456789ab",
    started_at=NOON,
    finished_at=NOON,
    verdict="FAILED 20 SQL_FAILED",
    exit_code=20,
    set_digest=DIGEST,
    version_before="4",
    version_after="4",
    pod=None,
    failed=FAILED,
    age=timedelta(minutes=2),
)


def migration(script: str = "V5__add.sql", checksum: int = 7) -> Migration:
    """Return the migration that is next."""
    return Migration(
        kind=Kind.VERSIONED,
        version=Version.parse("5"),
        description="add",
        script=script,
        path=f"/migrations/{script}",
        checksum=checksum,
        raw_checksum=checksum,
    )


def unit(*pending: Migration, next_rank: int = 5, grouping: Grouping = Grouping.EACH) -> FirstUnit:
    """Return what a plan that applies *pending* begins with."""
    return FirstUnit.of(Plan(pending, (), "4", (), next_rank), grouping)


def test_same_plan_is_refused_with_the_first_failure() -> None:
    """The message quotes what the first run said, and the hint how to insist."""
    finding = judge_last_run(LAST, unit(migration()), DIGEST, MEMORY)
    assert finding is not None
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.FAILED_BEFORE)
    assert finding.message == (
        f"not run again, as it failed 2m ago: {MESSAGE} (run 0123456789ab, nothing has changed"
        " since)"
    )
    assert "--retry-failed" in finding.hint
    assert finding.facts["first_run"] == "0123456789ab"


@pytest.mark.parametrize(
    ("last", "now", "digest"),
    [
        (None, unit(migration()), DIGEST),
        (LAST._replace(failed=None), unit(migration()), DIGEST),
        (LAST._replace(age=MEMORY), unit(migration()), DIGEST),
        (LAST, unit(migration()), "sha256:other"),
        (LAST, unit(migration(checksum=8)), DIGEST),
        (LAST, unit(migration("V6__next.sql")), DIGEST),
        (LAST, unit(migration(), next_rank=6), DIGEST),
        (LAST, unit(), DIGEST),
        (LAST, unit(migration("V4__x.sql"), migration(), next_rank=4), DIGEST),
    ],
    ids=[
        "no run",
        "no failure",
        "long ago",
        "set",
        "checksum",
        "script",
        "history",
        "done",
        "later",
    ],
)
def test_anything_else_is_tried(last: PastRun | None, now: FirstUnit, digest: str) -> None:
    """Whatever is not known to fail again runs."""
    assert judge_last_run(last, now, digest, MEMORY) is None


def test_group_is_refused_whichever_of_its_scripts_failed() -> None:
    """It would fail there again, after all that comes before it."""
    first = migration("V4__x.sql")
    group = unit(first, migration(), next_rank=4, grouping=Grouping.ALL)
    assert judge_last_run(LAST, group, DIGEST, MEMORY) is not None
    moved = unit(first, migration(), next_rank=5, grouping=Grouping.ALL)
    assert judge_last_run(LAST, moved, DIGEST, MEMORY) is None


KILLED = LAST._replace(finished_at=None)


def prepared(sql: str) -> PreparedScript:
    """Return the script V5__add.sql with *sql*, in no transaction if it has a CALL or an INSERT."""
    is_alone = "CALL" in sql or "INSERT" in sql
    script = migration()._replace(in_transaction=False if is_alone else None)
    return prepared_script(script, sql.encode())


@pytest.mark.parametrize(
    ("last", "sql", "is_found"),
    [
        (KILLED, "CALL p()", True),
        (KILLED, "DROP INDEX CONCURRENTLY i", True),
        (KILLED, "CREATE INDEX CONCURRENTLY i ON t (id)", False),
        (KILLED, "CREATE TABLE t ()", False),
        (KILLED._replace(command="repair"), "CALL p()", False),
        (LAST, "CALL p()", False),
        (LAST._replace(cut_off=BegunScript("V5__add.sql", 7)), "CALL p()", True),
        (LAST._replace(cut_off=BegunScript("V5__add.sql", 8)), "CALL p()", False),
        (LAST._replace(cut_off=BegunScript("V4__x.sql", 7)), "CALL p()", False),
        (None, "CALL p()", False),
    ],
    ids=[
        "cut off",
        "drop",
        "index",
        "transaction",
        "repair",
        "ended",
        "told",
        "text",
        "other",
        "none",
    ],
)
def test_script_that_may_have_run_in_part_is_found(
    last: PastRun | None, sql: str, *, is_found: bool
) -> None:
    """Only what no transaction undoes, and what is refused or harmful the second time."""
    script = prepared(sql)
    assert find_cut_off(last, [script], "sha256:others") is (script if is_found else None)
    # Nothing of a release that has been applied whole is pending now.
    assert find_cut_off(last, [script], DIGEST) is None


def test_killed_run_has_begun_what_it_took_down() -> None:
    """It may have been killed in front of the script, or had another text of it."""
    script = prepared("DROP INDEX CONCURRENTLY i")
    assert begun_script(script) == BegunScript("V5__add.sql", 7, script.text)
    assert has_begun(KILLED._replace(cut_off=BegunScript("V5__add.sql", 7)), script)
    for other in (None, BegunScript("V5__add.sql", 8), BegunScript("V4__x.sql", 7)):
        assert not has_begun(KILLED._replace(cut_off=other), script)


def test_script_that_was_cut_off_needs_a_human() -> None:
    """How far it came is written nowhere."""
    finding = judge_cut_off(KILLED, prepared("DROP INDEX CONCURRENTLY i;\nROLLBACK PREPARED 'p'"))
    assert finding is not None
    assert (finding.rule, finding.code) == ("cut-off", ExitCode.FAILED_BEFORE)
    assert finding.message == (
        "run 0123456789ab never told how it ended, and may have run a part of V5__add.sql,"
        " which has no transaction; line 2, ROLLBACK PREPARED 'p', may do more than can be noted"
    )


@pytest.mark.parametrize(
    "sql",
    ["DROP INDEX CONCURRENTLY i", "VACUUM t;\nALTER TABLE p DETACH PARTITION c CONCURRENTLY"],
)
def test_script_whose_end_the_server_tells_goes_on_by_itself(sql: str) -> None:
    """What is done already is refused, and nothing else is in it."""
    assert judge_cut_off(KILLED, prepared(sql)) is None


def test_script_that_a_run_which_ended_could_not_finish_goes_on_by_itself() -> None:
    """What had to be left to a human has a failed row in the history."""
    assert judge_cut_off(LAST, prepared("DROP INDEX CONCURRENTLY i;\nCALL p()")) is None


NOTED = "INSERT INTO t VALUES (1);\nVACUUM t;\nINSERT INTO t VALUES (2)"
PROMISING = KILLED._replace(noted=noted_texts([prepared(NOTED)]))


def test_script_of_which_the_last_run_noted_how_far_it_came_goes_on_there() -> None:
    """Also where that run has ended, as nobody was left to look at it."""
    script = prepared(NOTED)
    for last in (KILLED, LAST):
        told = last._replace(cut_off=begun_script(script, 1))
        assert find_cut_off(told, [script], "sha256:others") is script
        assert judge_cut_off(told, script) is None
        assert resume(told, script) == Resumption("V5__add.sql", 1)


@pytest.mark.parametrize("last", [KILLED, LAST], ids=["killed", "ended"])
def test_script_whose_text_has_changed_since_needs_a_human(last: PastRun) -> None:
    """Its checksum may be the same: what stands for a placeholder is not part of it."""
    script = prepared(NOTED)
    told = last._replace(cut_off=begun_script(prepared(f"{NOTED}0"), 1))
    finding = judge_cut_off(told, script)
    assert finding is not None
    assert finding.message.endswith("a part of V5__add.sql, of which the text has changed since")
    assert resume(told, script) == Resumption("V5__add.sql")


@pytest.mark.parametrize("last", [KILLED, LAST], ids=["killed", "ended"])
def test_script_whose_session_had_something_needs_a_human(last: PastRun) -> None:
    """The next session has not got it, and nobody knows which statements need it."""
    script = prepared(NOTED)
    begun = begun_script(script, 2)._replace(held=("temporary table a", "cursor b"))
    told = last._replace(cut_off=begun)
    finding = judge_cut_off(told, script)
    assert finding is not None
    assert finding.message.endswith(
        "a part of V5__add.sql, 2 statements of which are done; gone with its session:"
        " temporary table a, cursor b"
    )
    assert resume(told, script) == Resumption("V5__add.sql")
    assert begun.facts()["held"] == ["temporary table a", "cursor b"]


def test_script_that_is_run_in_a_transaction_now_needs_a_human() -> None:
    """It would do once more what is done."""
    script = prepared(NOTED)
    told = LAST._replace(cut_off=begun_script(script, 1))
    finding = judge_cut_off(told, script._replace(in_transaction=True, text=""))
    assert finding is not None
    assert finding.message.endswith("a part of V5__add.sql, which is run in a transaction now")


@pytest.mark.parametrize(
    "cut_off",
    [None, BegunScript("V4__x.sql", 7, "", 1), BegunScript("V5__add.sql", 7)],
    ids=["nothing", "other script", "not how far"],
)
def test_script_of_which_nothing_is_noted_needs_a_human(cut_off: BegunScript | None) -> None:
    """It may be that it was begun all the same."""
    finding = judge_cut_off(KILLED._replace(cut_off=cut_off), prepared(NOTED))
    assert finding is not None
    assert finding.message.endswith("a part of V5__add.sql, which has no transaction")


@pytest.mark.parametrize(
    ("last", "is_found"),
    [
        (PROMISING, False),
        (PROMISING._replace(cut_off=BegunScript("V4__x.sql", 7)), False),
        (PROMISING._replace(cut_off=BegunScript("V5__add.sql", 7)), True),
        (PROMISING._replace(cut_off=BegunScript("V5__add.sql", 8)), True),
        (KILLED, True),
        (KILLED._replace(noted={"V5__add.sql": "another text"}), False),
        (PROMISING._replace(cut_off=begun_script(prepared(NOTED), 0)), False),
        (
            KILLED._replace(cut_off=BegunScript("V5__add.sql", 8, "2b", 0, tells_of_first=True)),
            False,
        ),
        (LAST._replace(cut_off=begun_script(prepared(NOTED), 0)), False),
        (PROMISING._replace(cut_off=begun_script(prepared(f"VACUUM t;{NOTED}"), 0)), True),
    ],
    ids=[
        "none",
        "other script",
        "begun",
        "changed",
        "not promised",
        "other text",
        "nothing done",
        "nothing done of another text",
        "nothing done by one that ended",
        "alone",
    ],
)
def test_script_that_would_have_been_noted_was_not_begun(last: PastRun, *, is_found: bool) -> None:
    """The run was killed in front of it; it is not for a human."""
    script = prepared(NOTED)
    assert find_cut_off(last, [script], "sha256:others") is (script if is_found else None)
