"""The rules of the house that no linter knows, one case per module."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.process import ROOT

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
MAX_NESTING = 3
MAX_PARAMETERS = 6

# A broad except hides bugs; these two modules have one each, for the reason given.
BROAD_EXCEPT = {
    "hook/cli.py": "the last resort: a bug ends with exit code 70 and a traceback in the log",
    "hook/clock.py": "an error is carried from a worker thread to the caller, and raised there",
}
VAGUE_NAMES = {"base", "common", "helpers", "manager", "misc", "models", "types", "util", "utils"}

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no cover)(?P<rest>.*)")
_REASONED = re.compile(r"(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|\[[a-z, -]+\])?\s+(-|#)\s*\w.*")


def _modules(folder: str) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py"))


HOOK, TESTS = _modules("hook"), _modules("tests")
EVERYTHING = HOOK + TESTS


def _tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text())


def _functions(module: str) -> Iterator[_Function]:
    return (node for node in ast.walk(_tree(module)) if isinstance(node, _FUNCTIONS))


def _nesting(node: ast.AST) -> int:
    """Return how many blocks are inside each other; ``elif`` goes on at the same depth."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and [child] == node.orelse
        opens = isinstance(child, _BLOCKS) and not is_elif
        deepest = max(deepest, _nesting(child) + opens)
    return deepest


def _is_broad(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Tuple):
        return any(_is_broad(item) for item in node.elts)
    return node is None or (
        isinstance(node, ast.Name) and node.id in {"Exception", "BaseException"}
    )


def _broad_handlers(module: str) -> list[int]:
    """Return the lines that catch, or suppress, everything."""
    tree = _tree(module)
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    suppressions = [call for call in calls if ast.unparse(call.func).endswith("suppress")]
    return [node.lineno for node in handlers if _is_broad(node.type)] + [
        call.lineno for call in suppressions if any(_is_broad(argument) for argument in call.args)
    ]


@pytest.mark.parametrize("module", EVERYTHING)
def test_file_is_short_enough_to_read(module: str) -> None:
    """No file is longer than the limit."""
    lines = len((ROOT / module).read_text().splitlines())
    assert lines <= MAX_FILE_LINES


@pytest.mark.parametrize("module", EVERYTHING)
def test_functions_are_small_and_flat(module: str) -> None:
    """No function is longer, deeper or wider than the limits."""
    for function in _functions(module):
        place = f"{module}:{function.lineno} {function.name}"
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        names = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
        parameters = [name.arg for name in names if name.arg not in {"self", "cls"}]
        assert length <= MAX_FUNCTION_LINES, f"{place}: {length} lines"
        assert _nesting(function) <= MAX_NESTING, f"{place}: {_nesting(function)} blocks deep"
        assert len(parameters) <= MAX_PARAMETERS, f"{place}: {len(parameters)} parameters"


@pytest.mark.parametrize("module", EVERYTHING)
def test_module_has_a_telling_name(module: str) -> None:
    """No module is a drawer for whatever fits nowhere else."""
    assert not VAGUE_NAMES & {part.removesuffix(".py").strip("_") for part in Path(module).parts}


@pytest.mark.parametrize("module", EVERYTHING)
def test_every_suppressed_check_has_a_reason(module: str) -> None:
    """A silenced linter, type checker or coverage line says which rule, and why."""
    for number, line in enumerate((ROOT / module).read_text().splitlines(), 1):
        found = _SUPPRESSION.search(line)
        assert not found or _REASONED.fullmatch(found["rest"]), f"{module}:{number}: {line.strip()}"


@pytest.mark.parametrize("module", TESTS)
def test_no_test_is_skipped(module: str) -> None:
    """What a test needs and does not find is a failure: a skipped one is green and says nothing."""
    ways = {"pytest.skip", "pytest.importorskip", "pytest.mark.skip", "pytest.mark.skipif"}
    used = {
        ast.unparse(node) for node in ast.walk(_tree(module)) if isinstance(node, ast.Attribute)
    }
    assert not ways & used


@pytest.mark.parametrize("module", HOOK)
def test_broad_except_stays_where_it_belongs(module: str) -> None:
    """Only the modules that must catch everything do, and only once."""
    lines = _broad_handlers(module)
    assert len(lines) <= (module in BROAD_EXCEPT), f"{module}: broad except in lines {lines}"


@pytest.mark.parametrize("module", [name for name in HOOK if name.startswith("hook/core/")])
def test_core_is_given_the_time(module: str) -> None:
    """Nothing that decides reads a clock."""
    reads = {"now", "utcnow", "today"}
    for node in ast.walk(_tree(module)):
        assert not (isinstance(node, ast.Attribute) and node.attr in reads), f"line {node.lineno}"


def test_locked_servers_are_named_by_hash_and_not_by_address() -> None:
    """Which registry a package comes from is a matter of the machine, its content is not."""
    lock = json.loads((ROOT / "tests/upstream/servers/package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
