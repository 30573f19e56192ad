"""The manifests as they are rendered, from the committed renders."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.testbed.process import ROOT

GOLDEN = ROOT / "tests" / "golden" / "manifests"
# What a release may begin with, by where its backups are or what ran before.
EXAMPLES = ("cloudnative-pg", "from-flyway", "pgbackrest-s3", "rds", "wal-g")
RENDERS = {
    "base": "manifests/base",
    "argocd-presync": "manifests/overlays/argocd-presync",
    "manual-job": "manifests/overlays/manual-job",
    "shop": "tests/samples/manifests/shop",
    "shop-by-hand": "tests/samples/manifests/shop-by-hand",
    **{name: f"manifests/examples/{name}" for name in EXAMPLES},
}

Document = dict[str, Any]


@cache
def golden_text(name: str) -> str:
    """Return the committed render *name*, a key of `RENDERS`."""
    return (GOLDEN / f"{name}.yaml").read_text()


def documents(name: str) -> list[Document]:
    """Return the objects of the committed render *name*."""
    return list(yaml.safe_load_all(golden_text(name)))


def one(name: str, kind: str) -> Document:
    """Return the only object of *kind* in the committed render *name*."""
    (found,) = (document for document in documents(name) if document["kind"] == kind)
    return found


def environment(job: Document) -> dict[str, Document]:
    """Return the entries of ``env`` of the migration container, by name."""
    return {entry["name"]: entry for entry in container(job)["env"]}


def container(job: Document) -> Document:
    """Return the only container of *job*."""
    (found,) = job["spec"]["template"]["spec"]["containers"]
    return dict(found)


def sources_digest() -> str:
    """Return the digest of everything that the renders are made from.

    Computed as ``.ci/render-manifests`` does, so that a render older than its
    sources is seen on a machine without kubectl.
    """
    folders = (ROOT / "manifests", ROOT / "tests" / "samples" / "manifests")
    paths = sorted(
        path.relative_to(ROOT).as_posix() for folder in folders for path in folder.rglob("*.yaml")
    )
    lines = (f"{_sha256(ROOT / path)}  {path}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
