"""The init container that the manifests' page shows, for pods of the application."""

from __future__ import annotations

import re

import pytest
import yaml

from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs
from tests.testbed.manifests import Document, container, one
from tests.testbed.pod_security import violations
from tests.testbed.process import ROOT


@pytest.fixture
def shown() -> Document:
    """Return the container as a reader copies it."""
    text = (ROOT / "manifests" / "README.md").read_text()
    (block,) = re.findall(r"```yaml\n(initContainers:.*?)```", text, re.DOTALL)
    (found,) = yaml.safe_load(block)["initContainers"]
    return dict(found)


def test_init_container_is_of_the_hooks_release(shown: Document) -> None:
    """One entry in `images` gives both the same digest: another image knows other migrations."""
    assert shown["image"] == container(one("base", "Job"))["image"].partition("@")[0]
    assert (shown["args"], "command" in shown) == (["verify"], False)


def test_init_container_meets_the_restricted_standard(shown: Document) -> None:
    """By itself, whatever the application's pod says of security."""
    assert violations({"containers": [shown]}) == []
    assert shown["securityContext"]["readOnlyRootFilesystem"] is True
    assert shown["resources"]["limits"] == {"memory": "128Mi"}


def test_init_container_has_settings_that_are_right(shown: Document) -> None:
    """No part of the connection stands in the manifest."""
    entries = {entry["name"]: entry for entry in shown["env"]}
    secret = entries["PRESYNC_URL"]["valueFrom"]["secretKeyRef"]
    assert set(secret) == {"name", "key"}
    url = {"PRESYNC_URL": "postgresql://app@db.example.com/shop"}
    told = {name: entry["value"] for name, entry in entries.items() if "value" in entry}
    database = load_settings(Inputs(environment={**told, **url}), Need.DATABASE).database
    assert database.expect_database == "shop"
