"""Judges whether a release may be applied on top of a schema history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hook.core.outcome import Finding, failed, warned
from hook.core.schema_history.ahead import Ahead, find_ahead, rank_of
from hook.core.schema_history.history import (
    BASELINE_TYPES,
    SYNTHETIC_TYPES,
    UNDO_TYPES,
    HistoryRow,
    MigrationInfo,
    MigrationState,
    abbreviate_description,
)
from hook.core.schema_history.history_rules import HistoryRules, OnAhead, TargetKind
from hook.core.schema_history.passed_over import describe_passed_over, describe_unreached
from hook.core.scripts.script import Kind, Migration
from hook.core.scripts.version import Version, highest
from hook.errors import ExitCode

# Above this a first number is a date, and one more is no good advice.
_HIGHEST_COUNTED = 99_999
# The rule of a target that is not there: a wrong setting, whatever the history says.
TARGET = "history-target"
_GONE = frozenset({MigrationState.MISSING, MigrationState.FUTURE})
_SETTLED = frozenset({MigrationState.DELETED, MigrationState.UNDONE})


def judge_history(infos: Sequence[MigrationInfo], rules: HistoryRules) -> tuple[Finding, ...]:
    """Judge whether the release may be applied on top of this history.

    Every disagreement is reported, not only the first. A row that records a failure
    stops the run whatever *rules* let pass, as it stops Flyway's ``migrate`` unless it
    is the only one and a newer release's.
    """
    ahead = find_ahead(infos, rules)
    release = _Release(
        files={
            info.migration.version: info.migration
            for info in infos
            if info.row is None
            and info.migration is not None
            and info.migration.kind is Kind.VERSIONED
        },
        base=highest(_baselines(infos)),
        newest_baseline=highest(_baseline_scripts(infos)),
        next_version=_next_version(infos),
        ignored=frozenset(
            (state, is_versioned)
            for state in MigrationState
            for is_versioned in (True, False)
            if rules.ignores(state.value, is_versioned=is_versioned)
        ),
    )
    newer = {rank_of(info) for info in ahead.unknown}
    findings = [
        finding
        for info in infos
        if info.row is None or rank_of(info) not in newer
        for finding in _judge(info, release, rules)
    ]
    return (
        *findings,
        *_judge_passed_over(infos, release, rules),
        *_judge_ahead(ahead, rules),
        *_judge_target(infos, rules),
    )


class _Release(NamedTuple):
    """What a single migration is compared with.

    Attributes:
        files: Versioned files that have no row, by version.
        base: The highest baseline in the history.
        newest_baseline: The highest version of a baseline script that has no row.
        next_version: Name for a new migration, for advice.
        ignored: States that the rules let pass, of versioned migrations and others.
    """

    files: Mapping[Version | None, Migration]
    base: Version
    newest_baseline: Version
    next_version: str
    ignored: frozenset[tuple[MigrationState, bool]]


def _baselines(infos: Sequence[MigrationInfo]) -> Iterator[Version | None]:
    for info in infos:
        if info.row is not None and info.type in BASELINE_TYPES:
            yield info.version


def _baseline_scripts(infos: Sequence[MigrationInfo]) -> Iterator[Version | None]:
    for info in infos:
        file = info.migration
        if info.row is None and file is not None and file.kind is Kind.BASELINE:
            yield file.version


def _next_version(infos: Sequence[MigrationInfo]) -> str:
    newest = highest(info.version for info in infos)
    first = newest.parts[0] if newest.parts else 0
    return f"V{first + 1}" if 0 <= first < _HIGHEST_COUNTED else "of a higher version"


def _judge(info: MigrationInfo, release: _Release, rules: HistoryRules) -> Iterator[Finding]:
    """Yield what is wrong with one migration; the first rule that applies decides."""
    if info.state in _SETTLED:
        return
    if info.row is not None and info.state.is_failed:
        yield _failure(info, info.row)
    elif info.row is not None and _has_other_type(info, release):
        yield _other_type(info, info.row, release)
    elif (info.state, info.version is not None) in release.ignored:
        return
    elif info.row is not None and info.state in _GONE:
        yield _drift(rules, "history-missing", *_missing(info, info.row, release))
    elif info.state is MigrationState.IGNORED:
        yield from _judge_late(info, release, rules)
    elif info.row is not None and info.migration is not None:
        yield from _compare(info.row, info.migration, release, rules)
        yield from _compare_type(info, info.row, info.migration, rules)


def _failure(info: MigrationInfo, row: HistoryRow) -> Finding:
    return failed(
        ExitCode.FAILED_BEFORE,
        "history-failed",
        f"{_named(info, row)} is recorded as failed",
        "Remove what it left half-done, then its row with `presync repair`.",
        version=row.version,
        script=row.script,
        installed_on=row.installed_on,
    )


def _has_other_type(info: MigrationInfo, release: _Release) -> bool:
    """Tell whether the release has the version of a row, but as something else.

    Pairing by type, as Flyway does, would run such a file once more.
    """
    if info.state not in _GONE or info.version not in release.files:
        return False
    return info.type not in SYNTHETIC_TYPES | BASELINE_TYPES | UNDO_TYPES


def _other_type(info: MigrationInfo, row: HistoryRow, release: _Release) -> Finding:
    file = release.files[info.version]
    return failed(
        ExitCode.DRIFT,
        "history-type",
        f"{_named(info, row)} was applied as {row.type}, the release has {file.script}",
        f"Give {file.script} a version of its own, and restore what was applied.",
        version=row.version,
        script=file.script,
    )


def _missing(info: MigrationInfo, row: HistoryRow, release: _Release) -> tuple[str, str]:
    message = f"{_named(info, row)} is in the schema history but not in the release"
    if info.type in BASELINE_TYPES and release.base < release.newest_baseline:
        hint = (
            f"Put {row.script} back into the release: a newer baseline script does not run here."
            " Mark it as deleted with `presync repair` only once all that the newer one holds is"
            " applied."
        )
        return message, hint
    hint = (
        f"Put {row.script} back into the release; if it was removed on purpose, mark it as"
        " deleted with `presync repair`."
    )
    return message, hint


def _judge_late(info: MigrationInfo, release: _Release, rules: HistoryRules) -> Iterator[Finding]:
    file = info.migration
    is_picked = rules.cherry_pick.includes(info.version, info.description)
    is_wanted = file is not None and file.executes and is_picked
    if file is not None and file.kind is Kind.VERSIONED and is_wanted:
        message = f"{file.name} ({file.script}) was not applied before newer versions were"
        hint = (
            f"Make it a new migration {release.next_version}, or allow the order with"
            " FLYWAY_OUT_OF_ORDER=true."
        )
        yield _drift(rules, "history-out-of-order", message, hint)


def _judge_passed_over(
    infos: Sequence[MigrationInfo], release: _Release, rules: HistoryRules
) -> Iterator[Finding]:
    found = describe_passed_over(infos, release.base)
    if found is not None:
        yield _drift(rules, "history-passed-over", *found)
        return
    unreached = describe_unreached(infos)
    if unreached is not None:
        yield warned("history-unreached", *unreached)


def _compare_type(
    info: MigrationInfo, row: HistoryRow, file: Migration, rules: HistoryRules
) -> Iterator[Finding]:
    """Compare what a repeatable was with what it is; versions are paired by it."""
    if info.version is None and info.type not in {file.type, *SYNTHETIC_TYPES}:
        message = f"{_named(info, row)} was applied as {row.type}, the release has {file.script}"
        hint = f"Give {file.script} a description of its own."
        yield _drift(rules, "history-type", message, hint)


def _compare(
    row: HistoryRow, file: Migration, release: _Release, rules: HistoryRules
) -> Iterator[Finding]:
    """Compare an applied versioned migration with its file; a baseline covers older ones."""
    if file.version is None or file.version <= release.base:
        return
    if row.checksum is not None and row.checksum != file.checksum:
        message = (
            f"{file.name} ({file.script}) is not what was applied: checksum {row.checksum} in the"
            f" schema history, {file.checksum} in the release"
        )
        hint = (
            f"Restore {file.script} as it was applied, and make the change a new migration"
            f" {release.next_version}."
        )
        yield _drift(rules, "history-checksum", message, hint)
    if row.description != abbreviate_description(file.description):
        message = (
            f"{file.name} ({file.script}): description {row.description!r} in the schema"
            f" history, {file.description!r} in the release"
        )
        yield _drift(rules, "history-description", message, "Give the file its old name back.")


def _drift(rules: HistoryRules, rule: str, message: str, hint: str) -> Finding:
    if rules.validates:
        return failed(ExitCode.DRIFT, rule, message, hint)
    return warned(rule, message, hint)


def _named(info: MigrationInfo, row: HistoryRow) -> str:
    name = f"version {row.version}" if info.version else f"repeatable {row.description!r}"
    return f"{name} ({row.script})"


def _judge_ahead(ahead: Ahead, rules: HistoryRules) -> Iterator[Finding]:
    if not ahead.unknown:
        return
    names = ", ".join(_named(info, info.row) for info in ahead.unknown if info.row is not None)
    message = f"the database is ahead of this release: {names}"
    if rules.on_ahead is OnAhead.FAIL:
        hint = "Roll out a release that has these migrations, or set PRESYNC_ON_AHEAD=pass."
        yield failed(ExitCode.AHEAD, "history-ahead", message, hint)
        return
    if not rules.ignores(MigrationState.FUTURE.value, is_versioned=True):
        hint = "Roll out a release that has these, or add *:future to the ignored patterns."
        yield _drift(rules, "history-ahead", message, hint)
        return
    yield warned("history-ahead", message, "Nothing is undone: check that the release works on it.")
    for info in ahead.replaced:
        yield warned(
            "history-ahead",
            f"repeatable {info.description!r} was replaced by a newer release and is kept",
        )


def _judge_target(infos: Sequence[MigrationInfo], rules: HistoryRules) -> Iterator[Finding]:
    target = rules.target
    if target.kind is not TargetKind.VERSION or not target.must_exist:
        return
    if all(info.version != target.version for info in infos):
        yield failed(
            ExitCode.CONFIG,
            TARGET,
            f"FLYWAY_TARGET: no migration has version {target.version}",
            f"Name a version of the release, or write {target.version}? to allow its absence.",
        )
