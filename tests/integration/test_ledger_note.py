"""What the ledger's row of a run under way keeps of the script that is begun."""

from __future__ import annotations

import json

import pytest

from hook.clock import Interrupt
from hook.core.reporting.past_run import BegunScript
from hook.errors import QueryFailed
from hook.postgres.ledger import Ledger
from tests.testbed.gate import Gate
from tests.testbed.run_context import open_session, target_of

BEGUN = BegunScript("V2__x.sql", 1)
REPORT = "SELECT id, report::text FROM presync_run"


def test_note_of_a_script_does_not_overwrite_the_report(gate: Gate, calm: Interrupt) -> None:
    """Whatever comes late: a row that has its end keeps it, and the note is told as lost."""
    gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    ((key, ended),) = gate.database.query(REPORT)
    assert isinstance(key, int)
    ledger = Ledger("public", "presync_run")
    with open_session(target_of(gate.database), calm) as session:
        with pytest.raises(QueryFailed, match=f"row {key} of public.presync_run is gone"):
            ledger.note(session, key, BEGUN, {})
        assert gate.database.query(REPORT) == [(key, ended)]
        gate.database.execute("UPDATE presync_run SET finished_at = NULL")
        ledger.note(session, key, BEGUN, {"V3__y.sql": "1a2b"})
    ((_, noted),) = gate.database.query(REPORT)
    assert json.loads(str(noted)) == {"cut_off": BEGUN.facts(), "noted": {"V3__y.sql": "1a2b"}}
