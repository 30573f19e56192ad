"""Scripts that destroy data, and comments that allow it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.process import Completed
from tests.testbed.refusal import Attempt, Refusal

DROP = "DROP TABLE t"
WAIVER = "-- presync: allow drop-table because nobody reads it"
# Without a source: only what destroys data asks for one.
OFF = {
    "PRESYNC_BACKUP_SOURCE": "",
    "PRESYNC_BACKUP_POLICY": "off",
    "PRESYNC_ARCHIVE_POLICY": "off",
    "PRESYNC_MARKER_POLICY": "off",
}
BAD: dict[str, str | bytes] = {
    "V10__rule.sql": "-- presync: allow drop-tabel because it is old\nDROP TABLE t",
    "V11__reason.sql": "SELECT 1;\n-- presync: allow truncate\nTRUNCATE t",
    "V12__verb.sql": "-- presync: frobnicate\n\nSELECT 1",
    "V13__nowhere.sql": f"SELECT 1;\n{WAIVER}\n",
    "V14__quote.sql": "SELECT 'x",
    "afterMigrate.sql": "-- presync: allow\nSELECT 1",
}
TOLD = (
    "V10__rule.sql:1: -- presync: unknown rule 'drop-tabel'; did you mean drop-table?",
    "V11__reason.sql:2: -- presync: truncate is allowed without a reason",
    "V12__verb.sql:1: -- presync: unknown directive 'frobnicate'",
    "V13__nowhere.sql:2: -- presync: covers no statement",
    "V14__quote.sql:1: unterminated",
    "afterMigrate.sql:1: -- presync: allow names no rule",
)


def findings(done: Completed, rule: str) -> list[dict[str, object]]:
    """Return the findings of *rule* in the report."""
    found = [item for stage in done.report["stages"] for item in stage["findings"]]
    return [item for item in found if item["rule"] == rule]


def test_bad_waivers_refuse_the_release_with_all_else(attempt: Attempt) -> None:
    """Nothing is written, and whoever mends all that is told is done."""
    attempt.deployment.release(BAD)
    attempt.assert_refused(Refusal(ExitCode.BAD_SET, "did you mean drop-table? (and 5 more)"), {})


@pytest.mark.parametrize("command", ["plan", "check", "lint"])
def test_commands_tell_every_bad_waiver(command: str, attempt: Attempt) -> None:
    """Lint does so offline."""
    attempt.deployment.release(BAD)
    done = attempt.run(command)
    assert done.exit_code == ExitCode.BAD_SET
    messages = json.dumps(done.report["stages"], ensure_ascii=False)
    for text in TOLD:
        assert text in messages


@pytest.mark.parametrize("policy", ["off", "warn"])
def test_destructive_migration_needs_a_backup_whatever_the_policy(
    policy: str, attempt: Attempt
) -> None:
    """The finding says which statement it is for, and both ways on."""
    attempt.deployment.release({"V2__drop.sql": f"SELECT 1;\n{DROP}"})
    environment = {**OFF, "PRESYNC_BACKUP_POLICY": policy}
    refusal = Refusal(ExitCode.CONFIG, "PRESYNC_BACKUP_SOURCE is not set; V2__drop.sql:2")
    attempt.assert_refused(refusal, environment)
    for command in ("run", "check"):
        done = attempt.run(command, **environment)
        (finding,) = findings(done, "backup-source")
        assert "V2__drop.sql:2 (drop-table) would destroy data" in str(finding["message"])
        assert "Set PRESYNC_BACKUP_SOURCE" in str(finding["hint"])
        assert '"-- presync: allow drop-table because <reason>" on the line before' in str(
            finding["hint"]
        )


def test_backup_that_is_missing_refuses_it_as_under_enforce(
    attempt: Attempt, tmp_path: Path
) -> None:
    """A repository without a backup is no way back, and one that cannot be read no good news."""
    attempt.deployment.release({"V2__drop.sql": DROP})
    (tmp_path / "empty").mkdir()
    for source, code in (
        (f"dump:{tmp_path / 'empty'}", ExitCode.NO_WAY_BACK),
        ("command:false", ExitCode.UNKNOWN_BACKUP),
    ):
        environment = {**OFF, "PRESYNC_BACKUP_SOURCE": source}
        done = attempt.run(**environment)
        assert done.exit_code == code, done.stderr
        assert "V2__drop.sql:1 (drop-table)" in done.stdout


def test_callbacks_count_while_something_is_pending(attempt: Attempt) -> None:
    """With nothing pending no gate is asked, as ever."""
    attempt.deployment.release({"afterMigrate.sql": "TRUNCATE t"})
    assert attempt.run("check", **OFF).exit_code == ExitCode.OK
    assert attempt.run(**OFF).exit_code == ExitCode.OK
    attempt.deployment.release({"V2__more.sql": "SELECT 1"})
    done = attempt.run(**OFF)
    assert done.exit_code == ExitCode.CONFIG
    assert "afterMigrate.sql:1 (truncate)" in done.report["verdict"]
    waived = "-- presync: allow truncate because it is a cache\nTRUNCATE t"
    attempt.deployment.release({"afterMigrate.sql": waived})
    done = attempt.run(**OFF)
    assert done.exit_code == ExitCode.OK
    assert [item["script"] for item in done.report["waivers"]] == ["afterMigrate.sql"]


def test_waiver_lets_it_pass_and_is_recorded(attempt: Attempt) -> None:
    """In the findings, in the report and in the ledger; and text shows it."""
    deployment = attempt.deployment
    deployment.release({"V2__drop.sql": f"{WAIVER}\n{DROP}"})
    shown = attempt.start(["plan", "--format", "text"], attempt.env(**OFF)).wait().stdout
    assert "waivers in the files\n  V2__drop.sql:1 drop-table: nobody reads it\n" in shown
    done = attempt.run(**OFF)
    assert done.exit_code == ExitCode.OK, done.stderr
    waiver = {
        "script": "V2__drop.sql",
        "line": 1,
        "rule": "drop-table",
        "reason": "nobody reads it",
        "covers": "statement",
        "lines": [2],
    }
    assert done.report["waivers"] == [waiver]
    told = [item for item in done.events if item.get("rule") == "waived"]
    assert [(item["level"], item["line"], item["reason"]) for item in told] == [
        ("WARNING", 1, "nobody reads it")
    ]
    kept = deployment.database.query(
        "SELECT report -> 'waivers' FROM presync_run ORDER BY started_at"
    )
    assert kept[-1] == ([waiver],)


def test_waiver_covers_no_more_than_it_says(attempt: Attempt) -> None:
    """The other statement still needs a backup; the one that is for nothing is told."""
    attempt.deployment.release(
        {
            "V2__drop.sql": (
                f"-- presync: allow truncate because it is empty\n\n{WAIVER}\n{DROP};\nDROP TABLE u"
            )
        }
    )
    done = attempt.run("plan", **OFF)
    assert done.exit_code == ExitCode.OK
    (loss,) = findings(done, "destructive")
    assert "V2__drop.sql:5 drop-table (DROP TABLE u)" in str(loss["message"])
    (idle,) = findings(done, "waives-nothing")
    assert idle["status"] == "warned"
    assert "V2__drop.sql:1 waives nothing: truncate" in str(idle["message"])
    assert attempt.run(**OFF).exit_code == ExitCode.CONFIG


@pytest.mark.parametrize(
    "environment",
    [
        {"PRESYNC_BACKUP_SOURCE": "none"},
        {"PRESYNC_OVERRIDE": "backup", "PRESYNC_OVERRIDE_REASON": "incident 7"},
    ],
    ids=["no-source-on-purpose", "override"],
)
def test_what_is_said_on_purpose_still_passes(
    environment: dict[str, str], attempt: Attempt
) -> None:
    """It is told and recorded as ever."""
    attempt.deployment.release({"V2__drop.sql": DROP})
    done = attempt.run(**{**OFF, **environment})
    assert done.exit_code == ExitCode.OK, done.stderr
    (finding,) = findings(done, "backup-source")
    assert finding["status"] == "warned"
    assert len(findings(done, "destructive")) == 1


@pytest.mark.parametrize(
    "files",
    [
        {"V2__own.sql": "CREATE TABLE u ()", "V3__drop.sql": "DROP TABLE u"},
        {"V2__inside.sql": "DO $$ BEGIN DROP TABLE t; END $$"},
        {"V2__rows.sql": "DELETE FROM t WHERE false"},
    ],
    ids=["its-own", "inside-a-block", "limited"],
)
def test_policy_holds_for_what_is_not_seen_to_destroy(
    files: dict[str, str | bytes], attempt: Attempt
) -> None:
    """A DO block is not looked into: the page says so."""
    attempt.deployment.release(files)
    done = attempt.run(**OFF)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert findings(done, "destructive") == []
