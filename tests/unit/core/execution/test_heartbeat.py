"""A wait speaks at once and then every ten seconds."""

from __future__ import annotations

from hook.core.execution.heartbeat import Heartbeat


def test_heartbeat_speaks_at_once_and_then_every_ten_seconds() -> None:
    """Polling twice a second does not fill the log."""
    heartbeat = Heartbeat()
    spoken = [second / 2 for second in range(60) if heartbeat.is_due(second / 2)]
    assert spoken == [0, 10, 20]
