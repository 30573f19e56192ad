"""What the image's own environment does to every process in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import pytest

from tests.testbed.process import ROOT

# By variable: an expression, and what it is where the variable has its value.
_EFFECTS: dict[str, tuple[str, object]] = {
    "PATH": ("shutil.which('presync')", "/opt/presync/bin/presync"),
    # Python helps itself without it, by LC_CTYPE.
    "LANG": ("os.environ.get('LANG'), os.environ.get('LC_CTYPE')", ("C.UTF-8", None)),
    "PYTHONDONTWRITEBYTECODE": ("sys.dont_write_bytecode", True),
    "PYTHONNOUSERSITE": ("sys.flags.no_user_site", 1),
    "PYTHONSAFEPATH": ("sys.flags.safe_path, '' in sys.path", (True, False)),
    "PYTHONUNBUFFERED": ("sys.stdout.write_through", True),
}


@pytest.mark.parametrize("variable", _EFFECTS)
def test_variable_of_the_image_has_its_effect(
    variable: str, run_python: Callable[[str], str]
) -> None:
    """It is looked at where it acts: a value that Python takes for "off" is none."""
    expression, expected = _EFFECTS[variable]
    answer = run_python(f"import os, shutil, sys; print(repr(({expression})))")
    assert ast.literal_eval(answer) == expected


def test_every_variable_of_the_image_is_looked_at() -> None:
    """One that is added without a word here might do nothing, or something else."""
    (lines,) = re.findall(r"^ENV ((?:.*\\\n)*.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert re.findall(r"(\w+)=", lines) == list(_EFFECTS)
