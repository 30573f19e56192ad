"""What a machine reads."""

from __future__ import annotations

import json

import pytest

from hook.core.outcome import Status
from hook.core.reporting.report import Report
from hook.log.json_text import to_json
from hook.render.config import config_object
from hook.render.info import info_object
from hook.render.report_json import report_object
from hook.render.runs import runs_object
from tests.unit.render.reports import INFO, MARKED_RUN, PASSED_RUN, PLAN, REFUSED_RUN, RUNS
from tests.unit.render.test_text import SETTINGS

KEYS = {
    "schema": str,
    "command": str,
    "run_id": str,
    "verdict": str,
    "exit_code": int,
    "code": str,
    "started_at": str,
    "finished_at": str,
    "duration_ms": int,
    "database": dict,
    "set": dict,
    "before": dict,
    "after": dict,
    "stages": list,
    "migrations": list,
    "pending": list,
    "marker": dict,
    "backups": dict,
    "overrides": list,
    "waivers": list,
    "next": list,
}
STATUSES = {status.value for status in Status}


@pytest.mark.parametrize("report", [PASSED_RUN, MARKED_RUN, REFUSED_RUN, PLAN, INFO])
def test_report_has_every_key_of_its_schema(report: Report) -> None:
    """Each key is there with its type, whatever happened."""
    parsed = json.loads(to_json(report_object(report)))
    assert {key: type(value) for key, value in parsed.items()} == KEYS
    assert parsed["schema"] == "presync.report/1"
    for stage in parsed["stages"]:
        assert set(stage) == {"name", "status", "duration_ms", "findings"}
        assert stage["status"] in STATUSES
        for finding in stage["findings"]:
            assert {"status", "code", "rule", "message", "hint"} <= set(finding)


def test_refusal_is_told_in_full() -> None:
    """Codes by name and number, times in UTC, facts beside the finding's own keys."""
    parsed = json.loads(to_json(report_object(REFUSED_RUN)))
    assert (parsed["exit_code"], parsed["code"]) == (18, "NO_WAY_BACK")
    assert parsed["started_at"] == "2026-03-01T12:00:00.000Z"
    assert parsed["set"] == {"digest": "sha256:1a2b3c4d", "count": 6, "newest": "5", "undo": []}
    assert parsed["next"] == ["presync check"]
    assert parsed["stages"][2]["status"] == "failed"
    assert parsed["stages"][2]["findings"][0] == {
        "status": "failed",
        "code": "NO_WAY_BACK",
        "rule": "backup-age",
        "message": "newest full backup stopped 31h ago (limit 24h)",
        "hint": "Run a backup, then sync again.",
        "label": "20260101-000000F",
        "stopped_at": "2026-03-01T12:00:00.000Z",
    }


def test_applied_migrations_are_told_in_full() -> None:
    """A machine learns what was applied, how long it took and in how many attempts."""
    parsed = json.loads(to_json(report_object(PASSED_RUN)))
    assert parsed["migrations"][1] == {
        "version": "5",
        "description": "索引 orders",
        "script": "V5__x.sql",
        "line": 3,
        "duration_ms": 1789,
        "attempts": 2,
        "transactional": False,
        "executed": True,
        "locks": [{"relation": "orders", "mode": "ShareUpdateExclusiveLock"}],
    }
    assert (parsed["migrations"][0]["line"], parsed["migrations"][0]["locks"]) == (None, [])
    assert parsed["overrides"] == [
        {"gate": "blockers", "reason": "rehearsed\ntoday", "until": None}
    ]


def test_marker_is_told_in_full() -> None:
    """With a time that is a target: to the microsecond, its offset spelled out."""
    marker = json.loads(to_json(report_object(MARKED_RUN)))["marker"]
    ways = marker.pop("restore")
    assert marker == {
        "name": "presync-shop-20260301T120000Z-1ec8a77e",
        "lsn": "0/38025F60",
        "time": "2026-03-01T12:00:00.000000+00:00",
        "timeline": 1,
        "segment": "000000010000000000000038",
        "system_identifier": "7301",
        "archived": True,
        "told_by": None,
        "backup": "20260301-110000F",
    }
    assert [set(way) for way in ways] == [{"purpose", "command"}] * 4


def test_report_is_one_line() -> None:
    """`kubectl logs` shows one object on one line, other languages readable."""
    text = to_json(report_object(PASSED_RUN._replace(verdict="a\u2028b\nc")))
    assert len(text.splitlines()) == 1
    assert "索引" in text


def test_report_before_anything_was_read_is_complete() -> None:
    """A run that could not even start still has every key."""
    report = Report("run", "r", "v", PASSED_RUN.exit_code, INFO.started_at, INFO.started_at)
    assert {key: type(value) for key, value in report_object(report).items()} == KEYS


def test_info_has_the_names_of_flyway() -> None:
    """A program that reads Flyway's output finds what it knows."""
    parsed = json.loads(to_json(info_object(INFO)))
    assert parsed["schemaVersion"] == "1.1"
    assert [item["state"] for item in parsed["migrations"]] == [
        *("Success", "Baseline", "Success", "Out of Order", "Undone", "Success", "Pending")
    ]
    assert parsed["migrations"][-1] == {
        "category": "Versioned",
        "version": "2.0",
        "description": "later",
        "type": "SQL",
        "installedOn": "",
        "state": "Pending",
        "undoable": "Yes",
        "rawVersion": "2.0",
        "installedOnUTC": "",
        "filepath": "/migrations/V2_0__later.sql",
        "undoFilepath": "/migrations/U2.0__x.sql",
        "shouldExecuteExpression": "",
        "installedBy": "",
        "executionTime": 0,
    }
    assert parsed["migrations"][0]["installedOnUTC"] == "2026-03-01T12:00:00Z"
    assert (parsed["operation"], parsed["database"]) == ("info", "shop")
    assert parsed["report"]["schema"] == "presync.report/1"


def test_settings_name_value_and_origin() -> None:
    """Every setting is there, secrets masked, unset ones null."""
    text = to_json(config_object(SETTINGS))
    assert "c4nary" not in text
    parsed = json.loads(text)
    by_name = {item["name"]: item for item in parsed["settings"]}
    assert by_name["PRESYNC_DEADLINE"] == {
        "name": "PRESYNC_DEADLINE",
        "value": "20m",
        "origin": "--deadline",
    }
    assert by_name["PRESYNC_REPORT"]["value"] is None
    assert by_name["PRESYNC_LOCK_WAIT"]["origin"] == "default"
    assert by_name["database"]["value"] == "shop@db.infra:5432/shop"
    assert parsed["notes"] == [
        "FLYWAY_CLEAN_DISABLED makes no difference: it guards clean, which is refused by name"
    ]


def test_runs_are_an_object_each() -> None:
    """What has no end has no verdict either; a failed run names its script."""
    told = json.loads(to_json(runs_object(RUNS)))
    assert told["schema"] == "presync.runs/1"
    killed, _, failed, passed, _ = told["runs"]
    assert (killed["finished_at"], killed["verdict"], killed["exit_code"]) == (None, None, None)
    assert (killed["cut_off"], passed["cut_off"]) == ({"script": "V5__x.sql", "done": 2}, None)
    assert (failed["exit_code"], failed["failed_script"]) == (20, "V5__x.sql")
    assert (passed["before"], passed["after"], passed["failed_script"]) == ("4", "5", None)
    assert (passed["marker"]["lsn"], passed["marker"]["timeline"]) == ("0/38025F60", 1)
    assert (failed["marker"]["name"], told["runs"][-1]["marker"]) == (None, None)
