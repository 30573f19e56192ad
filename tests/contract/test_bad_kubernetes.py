"""What answers in the place of the Kubernetes API, or not at all: told, each with a next step.

What the triggers make of good answers: `test_kubernetes_triggers.py`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from hook.errors import BackupSourceMissing, BackupUnknown, HookError
from hook.triggers import Trigger, Wanted, kubernetes
from hook.triggers.job import JobTrigger
from tests.testbed.kubernetes_api import (
    BATCH,
    CLUSTER,
    CNPG,
    CRONJOB,
    TOKEN,
    FakeCluster,
    refusal,
    running_api,
)

WANTED = Wanted("r1", None)
MIB = 2**20
NESTED = b'{"x":' + b"[" * 100_000
ODD: tuple[object, ...] = (None, 7, "x", [7], ["x"], [[]], {"x": 7})


@pytest.fixture
def trigger(request: pytest.FixtureRequest) -> Trigger:
    """Return the trigger that a test's parameter names."""
    found: Trigger = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("trigger", ["job", "backup"], indirect=True)
@pytest.mark.parametrize(
    ("answer", "told", "hint"),
    [
        (refusal(403, "jobs.batch is forbidden"), "may not read", "docs/backup-trigger.md"),
        (refusal(401, "Unauthorized"), "does not accept the service account's token", "projected"),
        (refusal(500, "etcd\nis gone"), "HTTP 500 (etcd\\nis gone)", "run again"),
        ((503, b"<html>busy</html>"), "HTTP 503 (HTTP 503)", "run again"),
        ((429, b"[]"), "HTTP 429", "run again"),
        ((200, b"<html>"), "does not answer", "NetworkPolicy"),
        ((200, b"[]"), "it is no object", "NetworkPolicy"),
        ((200, NESTED), "does not answer", "NetworkPolicy"),
        ((500, NESTED), "HTTP 500 (HTTP 500)", "run again"),
        ((307, b"https://127.0.0.1:1/"), "HTTP 307", "run again"),
    ],
)
def test_refusal_has_a_reason_and_a_next_step(
    cluster: FakeCluster, trigger: Trigger, answer: tuple[int, bytes], told: str, hint: str
) -> None:
    """Whatever the API server says instead, and no token goes to anybody else."""
    cluster.answer = lambda _method, _path: answer
    with pytest.raises(BackupUnknown) as caught:
        trigger.begin(WANTED)
    assert told in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    assert TOKEN not in caught.value.message
    assert len(cluster.tokens) == 1


def test_long_refusal_is_cut(cluster: FakeCluster, job: JobTrigger) -> None:
    """A verdict is read in one line."""
    cluster.answer = lambda _method, _path: refusal(403, "x" * 5000)
    with pytest.raises(BackupUnknown, match=r"may not read CronJob ops/shop-backup \(x+…\)$") as it:
        job.begin(WANTED)
    assert len(it.value.message) < 300


@pytest.mark.parametrize("trigger", ["job", "backup"], indirect=True)
def test_right_to_create_is_told_apart(cluster: FakeCluster, trigger: Trigger) -> None:
    """Reading is allowed, creating is not."""

    def answer(method: str, _path: str) -> tuple[int, bytes] | None:
        return refusal(403, "no") if method == "POST" else None

    cluster.answer = answer
    with pytest.raises(BackupUnknown, match=r"may not create (Jobs|Backups) in ops"):
        trigger.begin(WANTED)


@pytest.mark.parametrize("trigger", ["job", "backup"], indirect=True)
def test_what_is_named_and_not_there_is_told(cluster: FakeCluster, trigger: Trigger) -> None:
    """A typing mistake in the name."""
    cluster.objects.clear()
    with pytest.raises(BackupSourceMissing, match=r"there is no (CronJob|Cluster) ops/"):
        trigger.begin(WANTED)


def test_answer_that_is_no_cronjob_is_told(cluster: FakeCluster, job: JobTrigger) -> None:
    """Some proxy answers everything with an object of its own."""
    cluster.answer = lambda _method, _path: (200, json.dumps({"kind": "x"}).encode())
    with pytest.raises(BackupUnknown, match="is not CronJob ops/shop-backup: it has no metadata"):
        job.begin(WANTED)


@pytest.mark.parametrize("trigger", ["job", "backup"], indirect=True)
@pytest.mark.parametrize("answer", [{"metadata": {}}, {"metadata": None}, {"kind": "x"}])
def test_object_without_a_name_is_not_followed(
    cluster: FakeCluster, trigger: Trigger, answer: dict[str, object]
) -> None:
    """Nobody could say which of them to wait for."""
    nameless = json.dumps(answer).encode()
    cluster.answer = lambda method, _path: (201, nameless) if method == "POST" else None
    with pytest.raises(BackupUnknown, match=r"is none of (Jobs|Backups) in ops: it has no name"):
        trigger.begin(WANTED)


def test_list_that_does_not_end_is_left(cluster: FakeCluster, job: JobTrigger) -> None:
    """A server that always has one more page."""
    endless = json.dumps({"items": [], "metadata": {"continue": "more"}}).encode()
    cluster.answer = lambda _method, path: (200, endless) if "/jobs" in path else None
    with pytest.raises(BackupUnknown, match="the list of Jobs in ops does not end"):
        job.begin(WANTED)


def test_items_that_are_no_objects_are_passed_over(cluster: FakeCluster, job: JobTrigger) -> None:
    """Whatever answers, it ends in no riddle."""
    odd = json.dumps({"items": [None, "x", 7], "metadata": None}).encode()
    cluster.answer = lambda method, path: (
        (200, odd) if method == "GET" and "/jobs" in path else None
    )
    assert not job.begin(WANTED).is_adopted


@pytest.mark.parametrize("items", [7, "x", {"x": 7}])
def test_list_that_is_none_is_not_an_empty_one(
    cluster: FakeCluster, job: JobTrigger, items: object
) -> None:
    """Nobody knows then what is running, and a second backup would be begun beside it."""
    odd = json.dumps({"items": items}).encode()
    cluster.answer = lambda method, path: (
        (200, odd) if method == "GET" and "/jobs" in path else None
    )
    with pytest.raises(BackupUnknown, match="its list of items is none"):
        job.begin(WANTED)


def _variants(value: Any) -> Iterator[Any]:
    """Yield *value* with something odd in the place of each thing in it."""
    yield from ODD
    places = list(range(len(value))) if isinstance(value, list) else []
    places = list(value) if isinstance(value, dict) else places
    for place in places:
        for odd in _variants(value[place]):
            changed = value.copy()
            changed[place] = odd
            yield changed


@pytest.mark.parametrize(
    ("trigger", "asked", "listed"),
    [
        ("job", CRONJOB, f"{BATCH}/jobs"),
        ("backup", CLUSTER, f"{CNPG}/backups"),
    ],
    indirect=["trigger"],
    ids=["job", "backup"],
)
def test_answer_of_any_shape_is_told_or_passed_over(
    cluster: FakeCluster, trigger: Trigger, asked: str, listed: str
) -> None:
    """No shape of any part of an answer is a bug of presync."""
    item = {
        "metadata": {"name": "n", "ownerReferences": [{"uid": "u"}]},
        "spec": {"cluster": {"name": "db"}, "method": "plugin", "pluginConfiguration": {}},
        "status": {"conditions": [{"type": "Failed", "status": "True"}], "phase": "failed"},
    }
    good = {asked: cluster.objects[asked], listed: {"items": [item], "metadata": {}}}
    changes = [(path, odd) for path, answer in good.items() for odd in _variants(answer)]
    odd: dict[str, bytes] = {}

    def answer(method: str, path: str) -> tuple[int, bytes] | None:
        told = odd.get(path.partition("?")[0]) if method == "GET" else None
        return None if told is None else (200, told)

    cluster.answer = answer
    for path, change in changes:
        odd = {path: json.dumps(change).encode()}
        with contextlib.suppress(HookError):
            trigger.begin(WANTED)


def test_list_of_any_length_is_held_a_page_at_a_time(
    cluster: FakeCluster, job: JobTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pod has memory for little else; a namespace may have years of Backups."""
    fields: list[object] = [{f"f:{number}": {}} for number in range(150)]
    item = {"metadata": {"name": "n", "managedFields": fields}}
    pages = itertools.chain(["more"] * 9, [""])
    monkeypatch.setattr(kubernetes, "_TIMEOUT_SECONDS", 60.0)

    def answer(method: str, path: str) -> tuple[int, bytes] | None:
        if method != "GET" or not path.startswith(f"{BATCH}/jobs"):
            return None
        page = {"items": [item] * 100, "metadata": {"continue": next(pages)}}
        return 200, json.dumps(page).encode()

    cluster.answer = answer
    tracemalloc.start()
    try:
        job.begin(WANTED)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert next(pages, None) is None
    assert peak < 24 * MIB


def test_answer_of_any_length_is_cut_at_the_limit(
    cluster: FakeCluster, job: JobTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that fits is read, and one byte more is read no further."""
    answer = json.dumps({"kind": "x"}).encode()
    cluster.answer = lambda _method, _path: (200, answer)
    monkeypatch.setattr(kubernetes, "_ANSWER_LIMIT", len(answer))
    with pytest.raises(BackupUnknown, match="it has no metadata"):
        job.begin(WANTED)
    monkeypatch.setattr(kubernetes, "_ANSWER_LIMIT", len(answer) - 1)
    with pytest.raises(BackupUnknown, match="it is no object, or a huge one"):
        job.begin(WANTED)


def test_server_that_falls_silent_is_left(
    cluster: FakeCluster, job: JobTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it listens and never says a word."""
    monkeypatch.setattr(kubernetes, "_TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(silent.getsockname()[1]))
        with pytest.raises(BackupUnknown, match=r"the Kubernetes API does not answer: .*timed out"):
            job.begin(WANTED)
    assert cluster.tokens == []


def test_token_that_is_no_text_is_told(cluster: FakeCluster, job: JobTrigger) -> None:
    """Something else was mounted in its place."""
    (cluster.folder / "token").write_bytes(b"\xff\xfe")
    with pytest.raises(
        BackupUnknown, match=r"service account's \S+/token cannot be read: not text"
    ):
        job.begin(WANTED)


def test_server_of_another_authority_is_not_told_the_token(
    cluster: FakeCluster, job: JobTrigger, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Only the CA of the service account counts."""
    with running_api(tmp_path_factory.mktemp("other")) as other:
        (cluster.folder / "ca.crt").write_bytes((other.folder / "ca.crt").read_bytes())
        with pytest.raises(BackupUnknown, match="certificate verify failed"):
            job.begin(WANTED)
    assert cluster.tokens == []


def test_pod_without_a_service_account_is_told(job: JobTrigger, cluster: FakeCluster) -> None:
    """The manifests mount no token unless told to."""
    (cluster.folder / "token").unlink()
    with pytest.raises(BackupUnknown, match="token cannot be read: no such file") as caught:
        job.begin(WANTED)
    assert "automountServiceAccountToken: true" in caught.value.hint


@pytest.mark.parametrize("half", ["HOST", "PORT"])
def test_no_cluster_around_is_told(
    job: JobTrigger, monkeypatch: pytest.MonkeyPatch, half: str
) -> None:
    """Somebody tries it on his own machine."""
    monkeypatch.delenv(f"KUBERNETES_SERVICE_{half}")
    with pytest.raises(BackupSourceMissing, match="there is no Kubernetes API"):
        job.begin(WANTED)


def test_server_that_is_not_there_is_told(job: JobTrigger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default NetworkPolicy lets nothing pass to the API server."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    told = r"the Kubernetes API does not answer: \[Errno"
    with pytest.raises(BackupUnknown, match=told):  # and not that ::1 is no host
        job.begin(WANTED)
