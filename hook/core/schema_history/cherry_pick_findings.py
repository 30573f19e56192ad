"""Judges whether a list of cherry-picked migrations can be carried out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hook.core.outcome import Finding, failed, passed
from hook.core.schema_history.cherry_pick import Pick
from hook.core.schema_history.history import MigrationInfo, MigrationState
from hook.core.schema_history.history_rules import HistoryRules, TargetKind
from hook.core.schema_history.plan import Plan
from hook.core.scripts.version import EMPTY
from hook.errors import ExitCode

_NAME = "FLYWAY_CHERRY_PICK"
# Why a listed migration will not be applied, beyond the rules that speak for themselves.
_NEVER = frozenset(
    {
        MigrationState.ABOVE_TARGET,
        MigrationState.BELOW_BASELINE,
        MigrationState.BASELINE_IGNORED,
    }
)


def judge_picks(plan: Plan, rules: HistoryRules) -> tuple[Finding, ...]:
    """Judge the list against the release: what it names has to be there and has to be applied.

    A version behind a newer one in the list would be out of order when its turn comes.
    """
    problems = [
        *(problem for pick in rules.cherry_pick.picks for problem in _judge(pick, plan, rules)),
        *(() if rules.is_out_of_order else _out_of_order(plan)),
    ]
    if problems:
        return tuple(problems)
    left = sum(info.row is None for info in plan.infos) - len(plan.pending)
    message = f"{_NAME}: {len(plan.pending)} of {left + len(plan.pending)} to be applied"
    return (passed("cherry-pick", message),)


def _judge(pick: Pick, plan: Plan, rules: HistoryRules) -> Iterator[Finding]:
    named = [info for info in plan.infos if pick.names(info.version, info.description)]
    if not named:
        hint = "Name versions of the release, or descriptions of its migrations."
        yield _refused(f"no migration has the version or description {pick.text}", hint)
    elif rules.target.kind is not TargetKind.NEXT:
        yield from _never_applied(pick, named)


def _never_applied(pick: Pick, named: Sequence[MigrationInfo]) -> Iterator[Finding]:
    if all(info.state in _NEVER for info in named):
        hint = f"Take {pick.text} from the list, or change what keeps it from being applied."
        yield _refused(f"{pick.text} is not applied: {named[0].state.value}", hint)


def _out_of_order(plan: Plan) -> Iterator[Finding]:
    newest = EMPTY
    for migration in plan.pending:
        if migration.version is None:
            continue
        if migration.version < newest:
            message = f"{_NAME}: {migration.script} is listed behind the newer version {newest}"
            hint = "List it in front, or allow the order with FLYWAY_OUT_OF_ORDER=true."
            yield failed(ExitCode.DRIFT, "cherry-pick-order", message, hint)
        newest = max(newest, migration.version)


def _refused(reason: str, hint: str) -> Finding:
    return failed(ExitCode.CONFIG, "cherry-pick", f"{_NAME}: {reason}", hint)
