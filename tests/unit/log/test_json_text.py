"""Large values as JSON text: the same as small ones, in less memory."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from hook.core.reporting.redaction import Redactor
from hook.log.json_text import redacted_json

ROW: dict[str, object] = {"script": "V1__größer.sql", "locks": [], "more": {"is": [True, None]}}
CLEAN = Redactor(["s3cr3t"])


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_long_list_is_encoded_as_a_short_one(count: int) -> None:
    """Wherever it stands."""
    rows = [ROW | {"line": number} for number in range(count)]
    for value in (rows, {"a": 1, "rows": rows}, {"deep": {"rows": rows, "more": rows}, "b": []}):
        assert redacted_json(value, CLEAN) == json.dumps(value, ensure_ascii=False)


def test_secret_in_a_long_list_is_masked() -> None:
    """In each of its elements."""
    text = redacted_json({"rows": ["is s3cr3t"] * 250}, CLEAN)
    assert json.loads(text) == {"rows": ["is ***"] * 250}


def test_long_list_takes_little_more_memory_than_its_text() -> None:
    """The report of thousands of migrations is what a run ends with."""
    value = {"rows": [ROW | {"line": number} for number in range(5_000)]}
    tracemalloc.start()
    try:
        text = redacted_json(value, CLEAN)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(text)
