"""The Job of every render: when it runs, when it gives up, what its exit codes mean."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from hook.errors import Effect, ExitCode
from tests.testbed.manifests import RENDERS, Document, container, environment, one
from tests.testbed.process import ROOT

# What the container runtime reports when the process never started.
_RUNTIME_CODES = [126, 127, 128]
# Of the command `verify` alone, which waits for somebody else's migration.
_GATE_CODES = {ExitCode.NOT_YET}
_UNITS = {"s": 1, "m": 60, "h": 3600}


@pytest.fixture(params=RENDERS)
def job(request: pytest.FixtureRequest) -> Document:
    """Return the Job of each render in turn."""
    return one(request.param, "Job")


def _seconds(job: Document, setting: str) -> float:
    found = re.fullmatch(r"(\d+)([smh])", environment(job)[setting]["value"])
    assert found
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]]).total_seconds()


def _exit_code_rules(job: Document) -> list[Document]:
    return [
        dict(rule["onExitCodes"])
        for rule in job["spec"]["podFailurePolicy"]["rules"]
        if "onExitCodes" in rule
    ]


def _codes_with(effect: Effect) -> list[int]:
    return sorted(code for code in set(ExitCode) - _GATE_CODES if code.effect is effect)


def test_job_has_a_fixed_name_with_room_for_the_pods_suffix(job: Document) -> None:
    """The next sync can only wait for a Job whose name it knows."""
    metadata = job["metadata"]
    assert "generateName" not in metadata
    assert metadata["name"].startswith("db-migration")
    assert len(metadata["name"]) <= 52


def test_job_can_be_found_by_its_labels(job: Document) -> None:
    """One selector finds the Job, its pods and their logs."""
    wanted = {
        "app.kubernetes.io/name": "presync",
        "app.kubernetes.io/component": "migration",
        "component": "migration",
    }
    assert wanted.items() <= job["metadata"]["labels"].items()
    assert wanted.items() <= job["spec"]["template"]["metadata"]["labels"].items()


def test_job_is_never_suspended_nor_given_to_another_controller(job: Document) -> None:
    """Argo CD takes a resumed Job for a finished one."""
    assert not {"suspend", "managedBy", "successPolicy"} & set(job["spec"])
    told = (item["metadata"] for item in (job, job["spec"]["template"]))
    keys = [
        key for item in told for kind in ("labels", "annotations") for key in item.get(kind, ())
    ]
    assert keys
    assert not [key for key in keys if "kueue" in key]


def test_job_runs_one_pod_once(job: Document) -> None:
    """One pod, no second one beside it, and its logs are kept when it fails."""
    spec = job["spec"]
    assert (spec["completions"], spec["parallelism"]) == (1, 1)
    assert "completionMode" not in spec
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_job_tries_again_a_few_times_at_most(job: Document) -> None:
    """The default would be six retries for each of Argo CD's own."""
    assert 0 <= job["spec"]["backoffLimit"] <= 3


def test_job_is_kept_long_enough_to_be_read(job: Document) -> None:
    """A finished Job is its own evidence for at least a day."""
    assert job["spec"]["ttlSecondsAfterFinished"] >= timedelta(days=1).total_seconds()


def test_job_outlives_the_runs_own_deadline(job: Document) -> None:
    """A run that takes too long ends by itself, rolled back and with a reason.

    The limit is the Job's: a pod with a limit of its own ends without one of its exit codes.
    """
    assert "activeDeadlineSeconds" not in job["spec"]["template"]["spec"]
    waits = sum(
        _seconds(job, f"PRESYNC_{name}") for name in ("WAIT_TIMEOUT", "LOCK_WAIT", "BLOCKER_WAIT")
    )
    deadline = _seconds(job, "PRESYNC_DEADLINE")
    grace = job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert waits < deadline
    assert _seconds(job, "PRESYNC_STATEMENT_TIMEOUT") < deadline
    assert deadline + grace <= job["spec"]["activeDeadlineSeconds"]


def test_first_rule_ignores_disruptions_and_nothing_else(job: Document) -> None:
    """A drained pod is tried again whatever its exit code was."""
    rule = job["spec"]["podFailurePolicy"]["rules"][0]
    assert rule == {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }


def test_rules_are_the_exit_codes_grouped_by_their_effect(job: Document) -> None:
    """The index of the rule tells what happened to the database."""
    refused, rolled_back, human = (rule["values"] for rule in _exit_code_rules(job))
    assert refused == _codes_with(Effect.UNTOUCHED)
    assert rolled_back == _codes_with(Effect.ROLLED_BACK)
    assert human == [*_codes_with(Effect.HUMAN), *_RUNTIME_CODES]


def test_rules_leave_success_and_transient_codes_alone(job: Document) -> None:
    """What trying again may cure counts against the back-off limit."""
    caught = {code for rule in _exit_code_rules(job) for code in rule["values"]}
    assert not caught & {*_codes_with(Effect.RETRY), *_codes_with(Effect.READY)}
    assert all(rule["values"] == sorted(set(rule["values"])) for rule in _exit_code_rules(job))


def test_rules_name_the_container_and_fail_the_job(job: Document) -> None:
    """The exit code of an injected sidecar is not taken for that of the migration."""
    for rule in job["spec"]["podFailurePolicy"]["rules"][1:]:
        assert rule["action"] == "FailJob"
        assert rule["onExitCodes"]["containerName"] == container(job)["name"] == "migrate"
        assert rule["onExitCodes"]["operator"] == "In"


def test_readme_explains_the_rules_as_they_are(job: Document) -> None:
    """The table that an operator reads is the policy that the cluster follows."""
    text = (ROOT / "manifests" / "README.md").read_text()
    rows = re.findall(r"^\| (\d) \| [^|]+ \| ([\d, ]+) \|", text, re.MULTILINE)
    explained = {int(index): [int(code) for code in codes.split(",")] for index, codes in rows}
    actual = {index: rule["values"] for index, rule in enumerate(_exit_code_rules(job), start=1)}
    assert explained == actual
