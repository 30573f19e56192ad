"""What the ledger keeps of scripts without transaction."""

from __future__ import annotations

from hook.core.reporting.ledger import noted_texts
from hook.core.reporting.past_run import BegunScript
from tests.testbed.release import migration, prepared_script

SCRIPT = migration("V5__add.sql")._replace(in_transaction=False)
NOTED = b"INSERT INTO t VALUES (1);\nVACUUM t;\n"


def test_begun_script_tells_no_more_than_is_known() -> None:
    """Ledgers of older versions have no more than the first two."""
    assert BegunScript("V1__x.sql", None).facts() == {"script": "V1__x.sql", "checksum": None}
    whole = BegunScript("V1__x.sql", 7, "1a2b", 0)
    assert whole.facts() == {"script": "V1__x.sql", "checksum": 7, "text": "1a2b", "done": 0}
    assert whole._replace(found=True).facts() == {**whole.facts(), "found": True}
    assert whole._replace(tells_of_first=True).facts() == {**whole.facts(), "tells_of_first": True}


def test_note_of_nothing_is_worth_that_only_while_nothing_ran() -> None:
    """A statement that was begun on its own is one that only its session knew of."""
    untouched = BegunScript("V1__x.sql", 7, "1a2b", 0, tells_of_first=True)
    assert untouched.is_untouched
    others = ({"done": 1}, {"tells_of_first": False}, {"held": ("how far line 1 came",)})
    assert not any(untouched._replace(**other).is_untouched for other in others)


def test_progress_is_told_as_far_as_it_was_noted() -> None:
    """A note of 0 says something only where the first statement would have made it 1."""
    begun = BegunScript("V1__x.sql", 7, "1a2b", 0)
    assert begun._replace(done=1).progress == "1 statement of it noted as done"
    assert begun._replace(tells_of_first=True).progress == "0 statements of it noted as done"
    assert begun.progress == begun._replace(done=None).progress == "nobody knows how far it came"


def test_only_what_is_run_and_must_not_run_twice_is_promised() -> None:
    """How far it comes need not be noted; one that is only recorded has no statements."""
    script = prepared_script(SCRIPT, NOTED)
    others = (
        prepared_script(migration("V6__t.sql"), b"CREATE TABLE t ()"),
        script._replace(is_run=False),
    )
    assert noted_texts((script, *others)) == {"V5__add.sql": script.text}
    assert noted_texts([prepared_script(SCRIPT, NOTED + b"LISTEN l")]) == {"V5__add.sql": ""}
    assert noted_texts(others) == {}
