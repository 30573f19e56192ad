"""Which stage a run is at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hook.clock import Interrupt
from hook.errors import Interrupted
from hook.pipeline.whereabouts import Whereabouts


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """Return what is told of the stage."""
    request = Interrupt()
    yield request
    request.close()


def test_stage_within_another_gives_its_name_back_however_it_ends(interrupt: Interrupt) -> None:
    """What hangs afterwards hangs in the one that goes on."""
    run = Whereabouts(interrupt)
    interrupt.set("SIGTERM")
    with run.at("migrate"):
        with pytest.raises(Interrupted), run.at("ledger"):
            interrupt.raise_if_set()
        assert interrupt.stage == "migrate"


def test_what_comes_between_two_stages_is_told_with_the_first(interrupt: Interrupt) -> None:
    """It must not look as if nothing had been asked of the database yet."""
    run = Whereabouts(interrupt)
    for stage in ("settings", "migrate"):
        with run.at(stage):
            pass
    assert interrupt.stage == "migrate"
