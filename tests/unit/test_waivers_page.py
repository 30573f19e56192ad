"""The page about waivers: what it shows can be copied, and is what is read."""

from __future__ import annotations

import re

from hook.core.scripts.waivers import Waived, read_directives
from tests.testbed.process import ROOT

PAGE = (ROOT / "docs" / "waivers.md").read_text(encoding="utf-8")


def test_waiver_of_the_page_is_one() -> None:
    """Whoever copies the example has a waiver for the statement below."""
    (example,) = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found = read_directives("V1__x.sql", example.encode())
    assert found.problems == ()
    assert [(item.line, item.target) for item in found.waivers] == [(1, 2)]


def test_keys_of_a_waiver_are_those_of_the_report() -> None:
    """In their order."""
    _, _, rows = PAGE.partition("| `waivers[]` | what |\n| --- | --- |\n")
    (waiver,) = read_directives("x", b"-- presync: allow truncate because so\nTRUNCATE t").waivers
    assert re.findall(r"^\| `(\w+)`", rows, re.MULTILINE) == list(Waived(waiver, ()).describe())
