"""What is in the image, and what is not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hook
from tests.testbed.pod import Pod
from tests.testbed.process import Completed

_MEGABYTE = 1_000_000

# Prints the sources without bytecode that an interpreter may use unchecked.
_FIND_UNCOMPILED = """
import importlib.util, pathlib, sysconfig
for root in {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")}:
    for source in pathlib.Path(root).rglob("*.py"):
        if "site-packages" in source.relative_to(root).parts:
            continue
        cached = pathlib.Path(importlib.util.cache_from_source(source))
        if not cached.exists() or cached.read_bytes()[4] != 1:
            print(source)
"""


@pytest.fixture
def inspected(image: str) -> dict[str, Any]:
    """Return what podman knows of the image."""
    output = subprocess.run(
        ["podman", "image", "inspect", image], check=True, capture_output=True, text=True
    ).stdout
    (found,) = json.loads(output)
    return dict(found)


def test_image_starts_presync_as_a_numeric_user(inspected: dict[str, Any]) -> None:
    """No name has to be looked up to see that the user is not root."""
    config = inspected["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["presync"]
    assert config["Cmd"] == ["run"]


def test_image_is_labelled(inspected: dict[str, Any], revision: str) -> None:
    """Title, licence, version and revision can be read without starting anything.

    They are those of this build, also where every layer is one of an earlier build.
    """
    labels = inspected["Labels"]
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == "presync"
    assert labels[f"{prefix}licenses"] == "Apache-2.0"
    assert labels[f"{prefix}version"] == hook.__version__
    assert labels[f"{prefix}description"]
    assert labels[f"{prefix}revision"] == revision


def test_image_is_small(inspected: dict[str, Any]) -> None:
    """A node pulls it quickly, in front of every rollout."""
    assert inspected["Size"] <= 200 * _MEGABYTE


def test_image_tells_its_version(image: str, run_pod: Callable[[Pod], Completed]) -> None:
    """The program is the one that the label promises."""
    ended = run_pod(Pod(image, arguments=["--version"]))
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert hook.__version__ in ended.stdout


def test_image_needs_no_shell(
    image: str, run_pod: Callable[[Pod], Completed], tmp_path: Path
) -> None:
    """Presync starts although nothing that calls itself a shell can run."""
    nothing = tmp_path / "nothing"
    nothing.touch()
    shells = {f"/usr/bin/{name}": nothing for name in ("dash", "bash")}
    probe = run_pod(Pod(image, mounts=shells, entrypoint="sh", arguments=["-c", "true"]))
    assert probe.exit_code in {126, 127}
    assert run_pod(Pod(image, mounts=shells, arguments=["--version"])).exit_code == 0


def test_every_module_is_compiled(run_python: Callable[[str], str]) -> None:
    """No start pays for compiling: a read-only root never keeps what it compiled."""
    assert run_python(_FIND_UNCOMPILED) == ""


@pytest.mark.parametrize("module", ["pip", "ensurepip", "setuptools"])
def test_image_cannot_install_anything(run_python: Callable[[str], str], module: str) -> None:
    """What only the build needs stays behind."""
    code = f"import importlib.util; print(importlib.util.find_spec({module!r}))"
    assert run_python(code) == "None\n"


def test_image_can_talk_to_the_services_of_the_gate(run_python: Callable[[str], str]) -> None:
    """The descriptions of S3, RDS and of what signs in to them are left in botocore."""
    code = """
import boto3
session = boto3.Session("key", "secret", region_name="eu-central-1")
for name in ("s3", "rds", "sts", "sso", "sso-oidc"):
    session.client(name)
print(sorted(session.get_available_services()))
"""
    assert run_python(code) == "['rds', 's3', 'signin', 'sso', 'sso-oidc', 'sts']\n"


def test_image_knows_time_zones_and_authorities(run_python: Callable[[str], str]) -> None:
    """A maintenance window and a TLS connection need what the base image brings."""
    code = """
import ssl, zoneinfo
zoneinfo.ZoneInfo("Asia/Shanghai")
print(len(ssl.create_default_context().get_ca_certs()) > 50)
"""
    assert run_python(code) == "True\n"
