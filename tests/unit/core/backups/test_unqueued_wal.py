"""WAL that is finished, not in the archive, and does not wait to come there."""

from __future__ import annotations

import pytest

from hook.core.backups.wal import Run
from hook.core.outcome import deciding_finding
from tests.unit.core.backups.test_archive_judgement import HEALTHY, judged, name, refusal, server


@pytest.mark.parametrize("present", [(Run(3, 6),), (Run(3, 6), Run(9, 9))])
@pytest.mark.parametrize("queue", [0, 1])
def test_gap_that_nothing_waits_to_fill_is_a_hole(present: tuple[Run, ...], queue: int) -> None:
    """Of what was written without archive_mode the archiver knows nothing, neither good nor bad."""
    archiver = HEALTHY._replace(last_archived=name(6), queue=queue)
    finding = refusal(judged(present, server(archiver=archiver)))
    assert f"WAL is missing: {name(7)}" in finding.message


def test_segment_that_was_finished_a_moment_ago_is_no_hole() -> None:
    """The server may not have put it among those that wait yet."""
    archiver = HEALTHY._replace(last_archived=name(8), queue=0)
    assert deciding_finding(judged((Run(3, 8),), server(archiver=archiver))) is None
