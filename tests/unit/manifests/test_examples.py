"""What a release may begin with: each example is a release whose settings are right."""

from __future__ import annotations

import re

import pytest

from hook.settings import Settings
from hook.settings.backup_source import parse_backup_source
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs
from tests.testbed.manifests import EXAMPLES, Document, environment, one
from tests.testbed.process import ROOT

# What the Secrets hold; the rest is no more than not empty.
_IN_SECRETS = {"url": "jdbc:postgresql://db.example.com/shop", "port": "5432"}
_SOURCES = {
    "cloudnative-pg": "barman:s3://shop-backups/clusters",
    "from-flyway": "none",
    "pgbackrest-s3": "pgbackrest:s3://shop-backups/pgbackrest",
    "rds": "rds:shop",
    "wal-g": "walg:s3://shop-backups/wal-g/shop",
}
_README = (ROOT / "manifests" / "README.md").read_text()


def _value(entry: Document) -> str:
    """Return what the container sees of *entry*."""
    reference = entry.get("valueFrom", {}).get("secretKeyRef")
    if reference is None:
        return str(entry.get("value", "of the pod"))
    key = reference["key"].lower().removeprefix("postgres_")
    return _IN_SECRETS.get(key, f"the-{key}")


def _settings(name: str) -> Settings:
    env = environment(one(name, "Job"))
    variables = {variable: _value(entry) for variable, entry in env.items()}
    return load_settings(Inputs(environment=variables), Need.DATABASE)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_has_settings_that_are_right(name: str) -> None:
    """Nothing is refused, misspelt or left without a value, and the backups are those it says."""
    assert _settings(name).backup.source == parse_backup_source(_SOURCES[name])


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"from-flyway"}))
def test_example_can_reach_its_backups(name: str) -> None:
    """A source behind HTTPS needs its port, and a place that is not AWS's keys from a Secret."""
    ports = {rule["port"] for egress in _egress(name) for rule in egress["ports"]}
    assert 443 in ports
    env = environment(one(name, "Job"))
    keys = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert keys <= set(env) if "PRESYNC_S3_ENDPOINT" in env else not keys & set(env)


@pytest.mark.parametrize("name", ["pgbackrest-s3", "rds"])
def test_example_on_aws_has_a_role(name: str) -> None:
    """Its ServiceAccount names the role, and no key is anywhere."""
    annotations = one(name, "ServiceAccount")["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/role-arn"].startswith("arn:aws:iam::")
    assert environment(one(name, "Job"))["AWS_REGION"]["value"]


def test_example_from_flyway_has_the_variables_of_flyway_alone() -> None:
    """Two sources of the database would have to agree, and its Secret has no other keys."""
    names = set(environment(one("from-flyway", "Job")))
    assert {"FLYWAY_URL", "FLYWAY_USER", "FLYWAY_PASSWORD"} < names
    assert not [name for name in names if name.startswith("POSTGRES_")]


def test_readme_names_every_example() -> None:
    """With the case that it is for."""
    rows = re.findall(r"^\| \[`examples/([a-z0-9-]+)`\]\(examples/\1\)", _README, re.MULTILINE)
    assert sorted(rows) == sorted(EXAMPLES)


def _egress(name: str) -> list[Document]:
    return list(one(name, "NetworkPolicy")["spec"]["egress"])
