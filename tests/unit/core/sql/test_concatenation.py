"""Statements put behind each other are cut where they were put together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hook.core.sql.statements import split_statements

# Each is one statement, whatever it looks like inside.
WHOLE = (
    *("select 1", "begin", "(table t)", "select 'it''s; '", 'select "a;"""', "select E'\\';'"),
    *("select $$;$$", "do $a$ begin; $b$;$b$ end; $a$", "select a$$b", "select 1 -- ;\n, 2"),
    *("select /* ; /* ' */ ; */ 2", "select 'a;'\n 'b;'", "select (1; 2)", "select 5*/*;*/2"),
    "create function f() returns int begin atomic select 1; select 2 as end; end",
    "create rule r as on insert to t do also (select 1; select 2)",
    *("select '\\'", "\u00e9", "select U&'d;' uescape '!', b'1;'", "select $1, :x, a[1:2]"),
)
GAPS = (";", "; ", ";\n", ";;", ";-- ;\n", "; /* ; */", ";\r\n\t")


@given(st.lists(st.tuples(st.sampled_from(WHOLE), st.sampled_from(GAPS))))
def test_concatenated_statements_are_all_found(written: list[tuple[str, str]]) -> None:
    """Nothing is lost, split or merged, whatever stands behind what."""
    script = "".join(statement + gap for statement, gap in written)
    assert [item.text for item in split_statements(script)] == [text for text, _ in written]
