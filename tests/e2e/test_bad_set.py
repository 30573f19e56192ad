"""A release with faults of every kind: one refusal names them all, and nothing is written."""

from __future__ import annotations

import pytest

from hook.core.scripts.checksum import checksum
from hook.errors import ExitCode
from tests.testbed.process import Completed
from tests.testbed.refusal import Attempt, Refusal

OLD = "SELECT 'as another tool has cut it\n"
# What only the names, the bytes and the whole of the files tell.
MALFORMED: dict[str, str | bytes] = {
    "V10__bytes.sql": b"\x7fELF\x02\x00\xff",
    "V11__twice.sql": "SELECT 'one",
    "V011__again.sql": "SELECT 1;\nSELECT 'two",
    "V12__conf.sql": "SELECT 1",
    "V12__conf.sql.conf": "no=such property",
    "V13__program.sh": "ls",
    "R__view.sql": "CREATE VIEW v AS SELECT ${of_nothing}",
}
TOLD_OF_MALFORMED = (
    "V10__bytes.sql line 1 holds a NUL byte",
    "both are version 011",
    "V12__conf.sql.conf: unknown property 'no'",
    "V13__program.sh (only scripts in SQL are run)",
    "V14__link.sql is a link to nothing",
    "R__view.sql line 1: no value for ${of_nothing}",
    "V11__twice.sql:1: unterminated",
    "V011__again.sql:2: unterminated",
)
# What only a reader of pending scripts finds.
UNRUNNABLE: dict[str, str | bytes] = {
    "V20__empty.sql": "\n",
    "V21__quote.sql": "SELECT 1;\n\nSELECT 'x",
    "V22__copy.sql": "CREATE TABLE c (i int);\nCOPY c FROM stdin;\n1\n",
    "V23__meta.sql": "\\connect other\n",
    "V24__value.sql": "SELECT ${nothing}",
    "V25__mixed.sql": "CREATE TABLE m ();\nVACUUM t;",
    "V26__grammar.sql": "SELEC 1",
    "afterMigrate.sql": "SELECT 'y",
    "afterMigrate__z.sql": "SELEC 2",
}
TOLD_OF_UNRUNNABLE = (
    "V20__empty.sql is empty",
    "V21__quote.sql:3: unterminated",
    "V22__copy.sql:2: COPY",
    "V23__meta.sql:1: ",
    "V24__value.sql line 1: no value for ${nothing}",
    "V25__mixed.sql:2: VACUUM",
    "V26__grammar.sql:1 42601",
    "afterMigrate.sql:1: unterminated",
    "afterMigrate__z.sql:1 42601",
)


def told(done: Completed) -> str:
    """Return everything that the report refuses the release for."""
    stages = done.report["stages"]
    return "\n".join(
        item["message"]
        for stage in stages
        for item in stage["findings"]
        if item["code"] not in {None, "OK"}
    )


@pytest.fixture
def malformed(attempt: Attempt) -> Attempt:
    """Return runs on a release with a fault of every kind."""
    deployment = attempt.deployment
    # Applied long ago by somebody who did not mind; as it is, it cannot be mended any more.
    deployment.release({"V2__old.sql": OLD, **MALFORMED, **UNRUNNABLE})
    deployment.database.execute(
        "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script,"
        " checksum, installed_by, execution_time, success) VALUES (2, '2', 'old', 'SQL',"
        f" 'V2__old.sql', {checksum(OLD.encode())}, 'somebody', 1, true)"
    )
    (deployment.folder / "sql/V14__link.sql").symlink_to("gone.sql")
    return attempt


def test_one_refusal_names_faults_of_every_kind(malformed: Attempt) -> None:
    """Whoever mends all that is told is done; the line says how much that is."""
    malformed.assert_refused(Refusal(ExitCode.BAD_SET, " (and 16 more)"), {})


@pytest.mark.parametrize("command", ["run", "plan", "check", "validate"])
def test_commands_tell_of_files_that_are_no_set_all_that_is_known(
    command: str, malformed: Attempt
) -> None:
    """What is applied already is not held against anybody; each fault is told once."""
    done = malformed.run(command)
    assert done.exit_code == ExitCode.BAD_SET
    messages = told(done)
    for text in (*TOLD_OF_MALFORMED, *TOLD_OF_UNRUNNABLE):
        assert messages.count(text) == 1, f"{text} in {messages}"
    assert "V2__old.sql" not in messages
    assert "V1__t.sql" not in messages
    assert done.report["set"] == {}


def test_lint_tells_the_same_without_a_database(malformed: Attempt) -> None:
    """But for what the server and the history would have to say."""
    done = malformed.run("lint")
    assert done.exit_code == ExitCode.BAD_SET
    messages = told(done)
    for text in (*TOLD_OF_MALFORMED, *TOLD_OF_UNRUNNABLE):
        if "42601" not in text and "is empty" not in text:
            assert messages.count(text) == 1, f"{text} in {messages}"
    assert "V2__old.sql:1: unterminated" in messages


@pytest.mark.parametrize("command", ["run", "plan", "check"])
def test_scripts_of_a_good_set_are_refused_together(command: str, attempt: Attempt) -> None:
    """An empty one, one that cannot be cut, one that the server cannot parse, and callbacks."""
    attempt.deployment.release(UNRUNNABLE)
    done = attempt.run(command)
    assert done.exit_code == ExitCode.BAD_SET
    messages = told(done)
    for text in TOLD_OF_UNRUNNABLE:
        assert messages.count(text) == 1, f"{text} in {messages}"
    assert done.report["verdict"].startswith("REFUSED 11 BAD_SET: V20__empty.sql is empty (and 8 ")


@pytest.mark.parametrize("callbacks", [{}, {"afterMigrate__x.sql": "SELECT 1"}])
def test_edited_file_does_not_hide_what_is_wrong_with_pending_ones(
    callbacks: dict[str, str | bytes], attempt: Attempt
) -> None:
    """Files and history disagree, and the scripts could not be run anyway."""
    edited: dict[str, str | bytes] = {"V1__t.sql": "CREATE TABLE t (edited int)"}
    attempt.deployment.release(UNRUNNABLE | edited | callbacks)
    attempt.assert_refused(Refusal(ExitCode.DRIFT, "V1__t.sql"), {})
    messages = told(attempt.run())
    for text in TOLD_OF_UNRUNNABLE:
        assert messages.count(text) == 1, f"{text} in {messages}"


def test_programs_do_not_hide_what_is_wrong_with_scripts(attempt: Attempt) -> None:
    """They have an exit code of their own, and are not the only fault."""
    attempt.deployment.release({"V3__p.sh": "ls", "V4__q.sql": "SELECT 'x"})
    attempt.assert_refused(Refusal(ExitCode.UNSUPPORTED, "V3__p.sh (only scripts"), {})
    done = attempt.run()
    assert "V4__q.sql:1: unterminated" in told(done)
    assert "(and 1 more)" in done.report["verdict"]


def test_files_that_are_no_set_are_told_also_when_the_history_cannot_be_read(
    attempt: Attempt,
) -> None:
    """Both are: nobody knows then which scripts are pending."""
    attempt.deployment.release({"V2__a.sql": b"\xff", "V3__b.sql": "SELECT 'x"})
    attempt.deployment.database.execute("ALTER TABLE flyway_schema_history DROP COLUMN success")
    done = attempt.run()
    assert done.exit_code == ExitCode.BAD_SET
    assert "V2__a.sql line 1: byte 0xff is not utf-8" in done.report["verdict"]
    assert "(and 1 more)" in done.report["verdict"]
    assert "V3__b.sql" not in told(done)
