"""The renders against the schemas of Kubernetes, unknown fields refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed.manifests import GOLDEN, RENDERS

_VERSIONS = ("1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")


def _validate(version: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("kubernetes-validate")
    return subprocess.run(
        [program, "--strict", "--kubernetes-version", version, *paths],
        check=False, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("version", _VERSIONS)
def test_renders_fit_the_schema(version: str) -> None:
    """Every object is one that this version of the API server takes as it is."""
    result = _validate(version, *(GOLDEN / f"{name}.yaml" for name in RENDERS))
    assert result.returncode == 0, result.stdout + result.stderr
    assert (result.stdout + result.stderr).count(f"against version {version}") == 3 * len(RENDERS)


def test_a_misspelt_field_does_not_fit(tmp_path: Path) -> None:
    """The validation would see a field that the API server does not know."""
    broken = tmp_path / "broken.yaml"
    broken.write_text((GOLDEN / "base.yaml").read_text().replace("backoffLimit", "backOffLimit"))
    result = _validate(_VERSIONS[-1], broken)
    assert result.returncode != 0
    assert "backOffLimit" in result.stdout + result.stderr
