"""The verdict line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.execution.progress import Progress
from hook.core.outcome import Result, failed, from_error, passed, unknown
from hook.core.reporting.report import AppliedMigration
from hook.core.reporting.verdict import (
    VERDICT_LENGTH,
    RunFacts,
    compose_verdict,
    count_others,
    verdict_word,
)
from hook.errors import BadMigrationSet, ExitCode

REASON = 'column "emial" does not exist'
DIGEST = "sha256:1a2b3c4d5e6f"


def applied(version: str | None, description: str = "views") -> AppliedMigration:
    """Return an applied migration of which only the name matters."""
    return AppliedMigration(version, description, "x.sql", 1, 1, transactional=True)


def refusal(code: ExitCode, message: str = "it is so", **facts: object) -> str:
    """Return the verdict of a run that *code* decided."""
    return compose_verdict(RunFacts(failed(code, "rule", message), **facts))  # type: ignore[arg-type]  # test facts


def test_verdict_of_applied_migrations_names_them_and_the_version() -> None:
    """What was applied, where the schema is and how long it took are one line."""
    facts = RunFacts(
        None, (applied("4"), applied("5"), applied(None)), "3", "5", DIGEST, duration_ms=2149
    )
    assert compose_verdict(facts) == "PASSED 0 OK: 3 applied (V4, V5, R views), at 5, in 2.1s"


def test_verdict_of_a_run_without_work_names_version_and_set() -> None:
    """The common case says where the schema is and of which set that is true."""
    facts = RunFacts(None, (), "5", "5", DIGEST, duration_ms=212)
    assert compose_verdict(facts) == "PASSED 0 OK: up to date at 5 (set sha256:1a2b3c4d), in 0.2s"


@pytest.mark.parametrize(
    ("command", "pending", "expected"),
    [
        ("verify", 0, "up to date at 5"),
        ("plan", 3, "3 pending at 5"),
        ("check", 0, "nothing pending at 5"),
        ("lint", 0, "scripts can be read at 5"),
    ],
)
def test_verdict_claims_no_more_than_the_command_looked_at(
    command: str, pending: int, expected: str
) -> None:
    """A plan with something pending does not call the schema up to date."""
    facts = RunFacts(None, (), "5", "5", DIGEST, command=command, pending=pending)
    assert compose_verdict(facts) == f"PASSED 0 OK: {expected} (set sha256:1a2b3c4d), in 0.0s"


def test_verdict_of_info_tells_of_what_has_failed() -> None:
    """The next run is refused for it, and "nothing pending" alone sounds as if all were well."""
    facts = RunFacts(None, (), "4", "4", command="info", unresolved=1)
    assert compose_verdict(facts) == "PASSED 0 OK: 1 failed, nothing pending at 4, in 0.0s"


def test_verdict_of_a_database_ahead_says_so() -> None:
    """A rolled-back application is told apart from one that is up to date."""
    facts = RunFacts(None, (), "7", "7", DIGEST, ahead=("6", "7"), duration_ms=212)
    expected = "PASSED 0 OK: database is ahead at 7 (set sha256:1a2b3c4d), in 0.2s"
    assert compose_verdict(facts) == expected


def test_verdict_of_a_refusal_ends_with_untouched() -> None:
    """A refusal says that nothing was done to the database."""
    message = "newest full backup stopped 31h ago (limit 24h)"
    expected = f"REFUSED 18 NO_WAY_BACK: {message}; database untouched"
    assert refusal(ExitCode.NO_WAY_BACK, message, before="4") == expected


def test_verdict_of_a_failed_migration_ends_with_the_version_left() -> None:
    """A rolled-back failure says at which version the database is now."""
    message = 'V5__add_email.sql:17 42703 column "emial" does not exist'
    expected = f"FAILED 20 SQL_FAILED: {message}; rolled back, at 4"
    assert (
        refusal(ExitCode.SQL_FAILED, message, before="3", after="4", progress=Progress.ROLLED_BACK)
        == expected
    )


def test_verdict_of_a_rollback_counts_what_stays() -> None:
    """Who reads "rolled back" alone takes the whole release for undone, and edits what is not."""
    some = (applied("4"), applied(None))
    told = refusal(ExitCode.SQL_FAILED, after="4", applied=some, progress=Progress.ROLLED_BACK)
    assert told == "FAILED 20 SQL_FAILED: it is so; rolled back, 2 applied before, at 4"


@pytest.mark.parametrize("code", [ExitCode.BUDGET, ExitCode.INTERRUPTED, ExitCode.CONTENTION])
def test_verdict_claims_a_rollback_only_when_something_was_started(code: ExitCode) -> None:
    """A deadline that passes while waiting has rolled nothing back."""
    assert refusal(code, before="3").endswith("; database untouched")
    assert refusal(code, before="3", progress=Progress.ROLLED_BACK).endswith("; rolled back, at 3")


def test_verdict_between_two_migrations_says_what_is_applied() -> None:
    """Nothing was rolled back, and the database is not untouched either."""
    finding = failed(ExitCode.INTERRUPTED, "interrupted", "it is so")
    facts = RunFacts(finding, (applied("4"),), "3", "4", progress=Progress.COMMITTED)
    verdict = compose_verdict(facts)
    assert verdict == "FAILED 40 INTERRUPTED: it is so; 1 applied, at 4"
    created = refusal(ExitCode.INTERRUPTED, progress=Progress.COMMITTED)
    assert created.endswith("; 0 applied")


def test_verdict_of_an_unknown_state_claims_nothing() -> None:
    """What may be half-way is in the message."""
    verdict = refusal(ExitCode.INTERRUPTED, before="3", progress=Progress.UNKNOWN)
    assert verdict == "FAILED 40 INTERRUPTED: it is so, at 3"


@pytest.mark.parametrize("code", [ExitCode.PARTIAL, ExitCode.VERIFY_FAILED, ExitCode.NOT_YET])
def test_verdict_claims_no_rollback_where_none_was_made(code: ExitCode) -> None:
    """What stays behind is never called rolled back or untouched."""
    verdict = refusal(code, before="3", progress=Progress.ROLLED_BACK)
    assert verdict.endswith("it is so, at 3")


@pytest.mark.parametrize("code", list(ExitCode))
def test_verdict_word_follows_the_number(code: ExitCode) -> None:
    """2 and 10 to 19 are refusals, 0 is a pass, everything else a failure."""
    expected = {0: "PASSED", 2: "REFUSED"}.get(code, "REFUSED" if 10 <= code <= 19 else "FAILED")
    assert verdict_word(code) == expected


def test_verdict_cuts_the_message_and_keeps_the_state() -> None:
    """A long server message loses its end, not the state of the database."""
    message = f"V5__x.sql:1 P0001 {'éé ' * 200}"
    verdict = refusal(ExitCode.SQL_FAILED, message, before="4", progress=Progress.ROLLED_BACK)
    assert VERDICT_LENGTH - 3 < len(verdict) <= VERDICT_LENGTH
    assert verdict.startswith("FAILED 20 SQL_FAILED: V5__x.sql:1 P0001 éé éé")
    assert verdict.endswith("é…; rolled back, at 4")


@pytest.mark.parametrize("length", [1, 60, 61, 62, 63, 64, 65, 66, 200, 5000])
@pytest.mark.parametrize("separator", ["_", " ", "/"])
def test_verdict_of_a_long_script_keeps_name_line_reason_and_state(
    length: int, separator: str
) -> None:
    """Of a name that does not fit the middle is left out, blanks or not."""
    script = f"V5__{'x' * length}{separator}{'y' * length}.sql"
    finding = failed(ExitCode.SQL_FAILED, "sql", f"{script}:117 42703 {REASON}", script=script)
    verdict = compose_verdict(RunFacts(finding, before="4", progress=Progress.ROLLED_BACK))
    assert len(verdict) <= VERDICT_LENGTH
    assert verdict.endswith(f"y.sql:117 42703 {REASON}; rolled back, at 4")
    assert verdict.startswith("FAILED 20 SQL_FAILED: V5__x" if separator != "/" else "FAILED 20")


@pytest.mark.parametrize("depth", range(1, 400, 7))
def test_verdict_of_duplicates_in_deep_folders_names_both_and_the_version(depth: int) -> None:
    """Folders that are common to both say nothing; where they part is told."""
    folder = f"/{'deep/' * depth}"
    message = f"{folder}a/V7__x.sql and {folder}b/V07__x.sql both are version 7"
    verdict = refusal(ExitCode.BAD_SET, message)
    assert len(verdict) <= VERDICT_LENGTH
    assert "/a/V7__x.sql and " in verdict
    assert verdict.endswith("/b/V07__x.sql both are version 7; database untouched")


def test_verdict_counts_the_problems_that_do_not_fit() -> None:
    """Half of a second problem would tell nothing, or something else."""
    problems = tuple(f"{'deep/' * 20}V{number}__x.sql:2: unterminated '" for number in range(3))
    finding = from_error(BadMigrationSet(problems))
    expected = "…/V0__x.sql:2: unterminated ' (and 2 more); database untouched"
    assert compose_verdict(RunFacts(finding)) == f"REFUSED 11 BAD_SET: {expected}"
    few = from_error(BadMigrationSet(("a is empty", "b is empty")))
    assert "a is empty; b is empty; database" in compose_verdict(RunFacts(few))


def test_verdict_counts_what_else_refuses_the_run() -> None:
    """Whoever sees this line alone knows that mending one file is not enough."""
    two = from_error(BadMigrationSet(("a is empty", "b is empty")))
    empty = failed(ExitCode.BAD_SET, "script-empty", "c is empty")
    found = (Result("resolve", (two, passed("x", "y"))), Result("scripts", (empty,)))
    assert count_others(found, two) == 1
    assert count_others(found, empty) == 2
    verdict = compose_verdict(RunFacts(two, others=1))
    assert verdict == (
        "REFUSED 11 BAD_SET: a is empty; b is empty (and 1 more); database untouched"
    )
    long = from_error(BadMigrationSet((f"{'deep/' * 20}a is empty", f"{'deep/' * 20}b is empty")))
    verdict = compose_verdict(RunFacts(long, others=3))
    assert verdict.endswith("a is empty (and 4 more); database untouched")


def test_verdict_counts_what_could_not_be_found_out() -> None:
    """An archive that cannot be read refuses the run when the old backup is a new one."""
    old = failed(ExitCode.NO_WAY_BACK, "backup-age", "stopped 31h ago")
    unread = unknown(ExitCode.UNKNOWN_BACKUP, "catalog", "the storage does not answer")
    unseen = unknown(ExitCode.UNREACHABLE, "connection", "the connection was lost")
    blocked = failed(ExitCode.BLOCKED, "blocker", "pid 7 holds a lock")
    gates = (old, unread, unseen, blocked)
    found = [Result(str(number), (item,)) for number, item in enumerate(gates)]
    assert [count_others(found, item) for item in gates] == [3, 3, 3, 3]
    more = failed(ExitCode.BLOCKED, "blockers-more", "15 more, not listed", not_listed=15)
    assert count_others([*found, Result("blockers", (more,))], blocked) == 18
    stop = failed(ExitCode.INTERRUPTED, "interrupted", "SIGTERM received")
    sink = failed(ExitCode.REPORT, "report", "no room")
    for asked in (stop, sink):
        assert count_others([*found, Result("archive", (asked,))], old) == 3
        assert count_others([*found, Result("archive", (asked,))], asked) == 0


def test_verdict_counts_once_what_two_gates_tell() -> None:
    """Backup and archive lie in one storage, which has to be mended once."""
    backup = unknown(ExitCode.UNKNOWN_BACKUP, "catalog", "the storage does not answer")
    archive = unknown(ExitCode.UNKNOWN_BACKUP, "wal", "the storage does not answer")
    off = failed(ExitCode.NO_WAY_BACK, "wal-archiver", "archive_mode is off")
    found = (Result("backup", (backup,)), Result("archive", (off, archive)))
    assert count_others(found, off) == 1
    assert count_others(found, backup) == 1


def test_verdict_counts_nothing_once_work_has_begun() -> None:
    """A second failure may follow from the first, and what passed has no code."""
    rolled_back = failed(ExitCode.SQL_FAILED, "sql", "x")
    found = (Result("migrate", (rolled_back, failed(ExitCode.SQL_FAILED, "callback", "y"))),)
    assert count_others(found, rolled_back) == 0
    assert count_others(found, None) == 0


def test_verdict_of_a_half_done_script_names_what_is_left_behind() -> None:
    """A long message of the server does not push it out of the line."""
    left = "left behind: invalid index public.i on t"
    verdict = refusal(ExitCode.PARTIAL, f"V5__x.sql:3 P0001 {'why not ' * 40}; {left}", before="4")
    assert len(verdict) <= VERDICT_LENGTH
    assert verdict.startswith("FAILED 21 PARTIAL: V5__x.sql:3 P0001 why not")
    assert verdict.endswith(f"…; {left}, at 4")


def test_verdict_of_a_long_list_keeps_its_head() -> None:
    """What the list is of, and its first item, say more than a bit of every item."""
    items = "; ".join(f"2026112{day}-190733F stopped in the future" for day in range(9))
    message = f"none of 9 backups is usable: {items}; looked in pgBackRest stanza app in /srv"
    expected = "none of 9 backups is usable: 20261120-190733F stopped in the future"
    verdict = refusal(ExitCode.NO_WAY_BACK, message)
    assert verdict.startswith(f"REFUSED 18 NO_WAY_BACK: {expected}")
    assert verdict.endswith("; 20261121-190733F stopped in the future…; database untouched")


def test_verdict_keeps_both_ends_of_long_versions_and_descriptions() -> None:
    """The version that the database is at is told, however it is written."""
    version = f"2026.{'1.' * 40}9"
    verdict = refusal(ExitCode.SQL_FAILED, before=version, progress=Progress.ROLLED_BACK)
    assert verdict.endswith("1.1.9")
    assert "at 2026.1." in verdict
    facts = RunFacts(None, (applied(None, f"first {'x' * 300} last"),), None, "5")
    assert compose_verdict(facts).startswith("PASSED 0 OK: 1 applied (R first xxx")
    assert compose_verdict(facts).endswith("xxx last), at 5, in 0.0s")


def test_verdict_leaves_out_the_middle_of_many_names() -> None:
    """A thousand applied migrations are counted; the first and the last are named."""
    facts = RunFacts(None, tuple(applied(str(n)) for n in range(1, 1001)), None, "1000")
    verdict = compose_verdict(facts)
    assert len(verdict) <= VERDICT_LENGTH
    assert verdict.startswith("PASSED 0 OK: 1000 applied (V1, V2, V3,")
    assert verdict.endswith(", … V1000), at 1000, in 0.0s")


@given(
    st.sampled_from(ExitCode),
    st.text(max_size=400),
    st.text(max_size=300),
    st.sampled_from(Progress),
)
def test_verdict_is_one_bounded_line(
    code: ExitCode, message: str, name: str, progress: Progress
) -> None:
    """Whatever a server or a file name holds, the verdict stays one short line."""
    finding = failed(code, "rule", message) if code else None
    facts = RunFacts(finding, (applied(None, name),), None, name, progress=progress)
    verdict = compose_verdict(facts)
    assert len(verdict) <= VERDICT_LENGTH
    assert len(verdict.splitlines()) == 1


def test_verdict_of_an_edit_tells_what_was_changed() -> None:
    """Also when something went wrong behind it, and never in more than one line."""
    facts = RunFacts(None, (), "5", "5", DIGEST, command="repair", summary="1 row removed")
    assert compose_verdict(facts) == "PASSED 0 OK: 1 row removed, at 5, in 0.0s"
    assert len(compose_verdict(facts._replace(summary="x\n" * 200))) == 160
    stopped = failed(ExitCode.INTERRUPTED, "interrupted", "SIGTERM received")
    late = facts._replace(deciding=stopped, progress=Progress.COMMITTED)
    assert compose_verdict(late).endswith("SIGTERM received; 1 row removed, at 5")
