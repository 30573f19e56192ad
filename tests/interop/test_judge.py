"""The judge objects to every kind of difference, or the scenarios would prove nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.interop.actors import REFUSED, Verdict
from tests.interop.judge import References, judge
from tests.interop.play import Performance, Turn
from tests.interop.scenario import Preparation, Scenario, Step
from tests.interop.snapshot import Snapshot

_STEP = Step(Preparation(), "migrate", {}, "", (), 0, "", stands=False)
_DEVIATING = replace(_STEP, refused="ERROR", deviation="because")
_SNAPSHOT = Snapshot(("row 1",), ("table a",), ("a: (1)",))
_MORE = Snapshot(("row 1", "row 2"), ("table a",), ("a: (1)",))
_STATES = (("1", "a", "SQL", "Success"),)


def _scenario(step: Step = _STEP) -> Scenario:
    return Scenario(
        "name",
        "Title",
        "Area",
        majors=(),
        needs_superuser=False,
        is_alone=False,
        steps=(step,),
    )


def _turn(tool: str, code: str = "", snapshot: Snapshot = _SNAPSHOT, step: Step = _STEP) -> Turn:
    return Turn(step, Verdict(tool, not code, code, "said"), snapshot)


def _performance(*turns: Turn, tool: str = "flyway") -> Performance:
    validity = {tool: Verdict(tool, accepted=True, code="", said="")}
    return Performance(turns, {tool: _STATES}, validity)


_REFERENCES = References(
    flyway=_performance(_turn("flyway"), _turn("flyway")),
    presync=_performance(_turn("presync"), _turn("presync"), tool="presync"),
)


def test_judge_is_content_when_all_is_alike() -> None:
    """Two tools that do the same give no reason to object."""
    performance = _performance(_turn("presync"), _turn("flyway"), tool="presync")
    assert list(judge(_scenario(), performance, _REFERENCES)) == []


@pytest.mark.parametrize(
    "changed",
    [
        Snapshot(("row 2",), ("table a",), ("a: (1)",)),
        Snapshot(("row 1",), ("table b",), ("a: (1)",)),
        Snapshot(("row 1",), ("table a",), ("a: (2)",)),
    ],
    ids=["history", "schema", "rows"],
)
def test_judge_objects_to_another_database(changed: Snapshot) -> None:
    """History, schema and rows count, each in every turn."""
    performance = _performance(_turn("presync", snapshot=changed), _turn("flyway"), tool="presync")
    assert any(line.startswith("turn 1") for line in judge(_scenario(), performance, _REFERENCES))


def test_judge_objects_to_another_verdict() -> None:
    """A tool that refuses where it should accept is told with its code."""
    performance = _performance(_turn("presync", code="12"), _turn("flyway"), tool="presync")
    (problem,) = judge(_scenario(), performance, _REFERENCES)
    assert "12 instead of accepted" in problem


def test_judge_objects_to_the_wrong_code() -> None:
    """A refusal must be the one that the scenario names."""
    step = replace(_STEP, refused="VALIDATE_ERROR", exit_code=12)
    performance = _performance(_turn("presync", code="20", step=step), tool="presync")
    assert "20 instead of 12" in next(judge(_scenario(step), performance, _REFERENCES))


def test_judge_objects_to_other_states() -> None:
    """What `info` shows is compared, whoever shows it."""
    other = (("1", "a", "SQL", "Missing"),)
    performance = replace(_performance(_turn("presync"), tool="presync"), states={"presync": other})
    (problem,) = judge(_scenario(), performance, _REFERENCES)
    assert problem.startswith("info of presync")


def test_judge_objects_to_another_validity() -> None:
    """A history that one tool calls invalid is a difference."""
    invalid = {"presync": Verdict("presync", accepted=False, code="12", said="")}
    performance = replace(_performance(_turn("presync"), tool="presync"), validity=invalid)
    (problem,) = judge(_scenario(), performance, _REFERENCES)
    assert problem.startswith("validate of presync: 12")


def test_judge_takes_the_deviation_of_whoever_accepted_first() -> None:
    """Flyway refused, presync did it, and Flyway goes on with what presync left."""
    references = References(
        flyway=_performance(*[_turn("flyway", "ERROR", step=_DEVIATING)] * 2),
        presync=_performance(*[_turn("presync", snapshot=_MORE, step=_DEVIATING)] * 2),
    )
    performance = _performance(
        _turn("presync", snapshot=_MORE, step=_DEVIATING),
        _turn("flyway", snapshot=_MORE, step=_DEVIATING),
    )
    assert list(judge(_scenario(_DEVIATING), performance, references)) == []
    refusing = _performance(
        _turn("presync", snapshot=_MORE, step=_DEVIATING),
        _turn("flyway", "ERROR", snapshot=_MORE, step=_DEVIATING),
    )
    assert any(
        "ERROR instead" in text for text in judge(_scenario(_DEVIATING), refusing, references)
    )


def test_judge_objects_to_a_history_that_flyway_cannot_read() -> None:
    """A deviation on purpose never keeps a team from going back."""
    references = References(
        flyway=_performance(_turn("flyway", "ERROR", step=_DEVIATING)),
        presync=_performance(_turn("presync", step=_DEVIATING)),
    )
    performance = replace(
        _performance(_turn("presync", step=_DEVIATING)), states={"flyway": REFUSED}
    )
    (problem,) = judge(_scenario(_DEVIATING), performance, references)
    assert problem == "flyway cannot read the history any more"
