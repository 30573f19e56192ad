"""The expressions of shouldExecute: what they come to, and what is none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.scripts.script_condition import evaluate

TRUE = [
    "true",
    " TRUE ",
    "A==A",
    "A != B",
    "a b == a b",
    "==",
    "!=x",
    "false||true",
    "true || x==y",
    "(A==A)",
    "( (true) )",
    "false && true || true",
    "true || true && false",
    "(false || true) && A==A",
    "true==true",
    "x.y-z:1==x.y-z:1",
]
FALSE = [
    "false",
    "A==B",
    "A==a",
    "==x",
    "true && false",
    "false && true",
    "(true || true) && false",
    "false || false",
]
MALFORMED = [
    "",
    "yes",
    "A",
    "A=B",
    "!true",
    "!(A==B)",
    "A==B==C",
    "true &&",
    "|| true",
    "true & true",
    "(true",
    "true)",
    "()",
    "(true) false",
    "a (true)",
    "(A)==A",
    "true || nonsense",
    "false && nonsense",
    "(" * 51 + "true" + ")" * 51,
    "(true) && " * 3 + "(" * 51 + "true" + ")" * 51,
]


@pytest.mark.parametrize("expression", TRUE)
def test_expression_is_true(expression: str) -> None:
    """AND binds closer than OR, blanks around texts do not count."""
    assert evaluate(expression)


@pytest.mark.parametrize("expression", FALSE)
def test_expression_is_false(expression: str) -> None:
    """Texts are compared to the letter."""
    assert not evaluate(expression)


@pytest.mark.parametrize("expression", MALFORMED)
def test_anything_else_is_an_error(expression: str) -> None:
    """A condition that is misread would run, or leave out, a migration."""
    with pytest.raises(ValueError, match=r"."):
        evaluate(expression)


@given(st.text(alphabet="ab()&|=! ", max_size=200))
def test_any_text_is_evaluated_or_refused(expression: str) -> None:
    """Nothing else comes of it."""
    with contextlib.suppress(ValueError):
        assert evaluate(expression) in {True, False}


@given(st.lists(st.sampled_from(["true", "false", "a==a", "a!=a"]), min_size=1, max_size=6))
def test_parentheses_around_all_change_nothing(parts: list[str]) -> None:
    """They only group."""
    expression = " || ".join(parts)
    assert evaluate(f"({expression})") is evaluate(expression)
