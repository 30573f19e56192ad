"""The Roles in the documentation are what the triggers need in Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from hook.settings.backup_trigger import ClusterTrigger as NamedCluster
from hook.settings.backup_trigger import JobTrigger as NamedJob
from hook.triggers import Trigger, Wanted
from hook.triggers.cnpg import ClusterTrigger
from hook.triggers.job import JobTrigger
from hook.triggers.kubernetes import Answer, KubernetesApi
from tests.testbed.process import ROOT

Right = tuple[str, str, str, str]


class RecordingApi(KubernetesApi):
    """An API server that has everything and notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__(ROOT)
        self.asked: set[Right] = set()

    def get(self, path: str, name: str, query: object = None) -> Answer:
        """Return an object that is enough of each kind."""
        del name, query
        group, resource, item = _parts(path)
        self.asked.add((group, resource, "get", item if resource in _NAMED else ""))
        template: dict[str, object] = {"spec": {}}
        spec = {"jobTemplate": template, "backup": {"barmanObjectStore": {"x": "y"}}}
        return {"metadata": {"name": item, "uid": "u"}, "spec": spec}

    def list_all(self, path: str, name: str) -> Iterator[Answer]:
        """Return nothing."""
        del name
        self.asked.add((*_parts(path)[:2], "list", ""))
        return iter(())

    def create(self, path: str, name: str, body: Answer) -> Answer:
        """Return *body* with a name."""
        del name
        self.asked.add((*_parts(path)[:2], "create", ""))
        return {**body, "metadata": {"name": "made"}}


_NAMED = {"cronjobs", "clusters"}


def _parts(path: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"/apis/([^/]+)/v1/namespaces/[^/]+/([^/]+)(?:/([^/]+))?", path)
    assert found is not None, path
    return found[1], found[2], found[3] or ""


def _documented() -> Iterator[tuple[str, set[Right]]]:
    """Yield the setting in front of each Role, and the rights in it."""
    text = (ROOT / "docs" / "backup-trigger.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    for part in block.split("---\n"):
        manifest = yaml.safe_load(part)
        if manifest["kind"] == "Role":
            yield part.splitlines()[0].removeprefix("# "), set(_rights(manifest["rules"]))


def _rights(rules: list[dict[str, list[str]]]) -> Iterator[Right]:
    for rule in rules:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                yield rule["apiGroups"][0], resource, verb, rule.get("resourceNames", [""])[0]


@pytest.mark.parametrize("setting", ["job:ops/shop-backup", "cnpg:shop/shop-db"])
def test_role_has_the_rights_that_are_used_and_no_other(setting: str) -> None:
    """A right that nobody uses is one too many."""
    api = RecordingApi()
    triggers: dict[str, Trigger] = {
        "job:ops/shop-backup": JobTrigger(NamedJob("ops", "shop-backup"), api),
        "cnpg:shop/shop-db": ClusterTrigger(NamedCluster("shop", "shop-db"), api),
    }
    triggers[setting].begin(Wanted("r1", None))
    triggers[setting].look()
    assert api.asked == dict(_documented())[setting]
