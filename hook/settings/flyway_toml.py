"""Reads ``flyway.toml`` and ``flyway.user.toml``, and Flyway's variables in lower case.

Source: Flyway's documentation, "Configuration" and "Environments": ``[environments.<id>]``
says where a database is, ``[flyway]`` all the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from hook.settings.flyway_entry import Entry, Reading
from hook.settings.flyway_keys import OF_ENVIRONMENT, PREFIX, has_references, is_of_environment
from hook.settings.mounted_file import MOUNTED, read_toml
from hook.settings.setting import Given, Origin, Problem
from hook.settings.suggestion import did_you_mean

_FLYWAY = "flyway"
_ENVIRONMENTS = "environments"
_DEFAULT_ENVIRONMENT = "default"
_RENAMED = {"migrationResolvers": "resolvers"}
# A list: no text is no item, so that a weaker file or the default counts.
_EMPTY_IS_UNSET = "ignoreMigrationPatterns"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value of the file, and its place in words."""

    value: object = field(repr=False)
    label: str
    origin: Origin


_Tree = dict[str, "_Leaf | _Tree"]


def read_toml_files(
    paths: Sequence[str],
    variables: Sequence[str],
    environment: Mapping[str, str],
    arguments: Sequence[tuple[Sequence[str], Given]] = (),
) -> Reading:
    """Return what the files say together.

    Args:
        paths: The files; a later one is stronger.
        variables: Names of the variables in lower case, stronger than all files.
        environment: All variables.
        arguments: Path and value of those from the command line, the strongest.

    Raises:
        ConfigError: A file cannot be read.
    """
    tree: _Tree = {}
    for path in paths:
        _merge(tree, _planted(read_toml(path, MOUNTED), path, ""))
    for name in variables:
        given = Given(environment[name].rstrip("\r\n"), Origin.ENVIRONMENT, name)
        _merge(tree, _planted_at(name.split("_"), given))
    for place, given in arguments:
        _merge(tree, _planted_at(place, given))
    flyway = _table(tree, _FLYWAY)
    chosen = flyway.pop("environment", None)
    name = str(chosen.value) if isinstance(chosen, _Leaf) else _DEFAULT_ENVIRONMENT
    known = _table(tree, _ENVIRONMENTS)
    problems: list[Problem] = []
    if isinstance(chosen, _Leaf) and name not in known and not environment.get("FLYWAY_URL"):
        problems.append(Problem(f"{chosen.label}: no [environments.{name}]", chosen.origin))
    found: dict[str, _Leaf] = {}
    for item in (*_rest(flyway), *_of_environment(_table(known, name))):
        if isinstance(item, Problem):
            problems.append(item)
        else:
            found[item[0]] = item[1]
    problems += _misspelled(tree, {_FLYWAY, _ENVIRONMENTS})
    entries = [_entry(key, leaf, problems) for key, leaf in found.items()]
    return Reading(
        tuple(entry for entry in entries if entry is not None),
        name,
        tuple(problems),
        tuple(_ignored_tables(tree)),
    )


def _planted(content: Mapping[str, object], path: str, table: str) -> _Tree:
    """Return *content* with its place at each value."""
    tree: _Tree = {}
    for key, value in content.items():
        place = f"{table}{key}"
        if isinstance(value, Mapping):
            tree[key] = _planted(value, path, f"{place}.")
        elif value != [] and (value or key != _EMPTY_IS_UNSET):
            # An empty list gives way to a weaker file, as in Flyway.
            tree[key] = _Leaf(value, f"{path}: {place}", Origin.FILE)
    return tree


def _planted_at(place: Sequence[str], given: Given) -> _Tree:
    """Return the tree of one value: ``environments``, ``default``, ``url``."""
    *tables, key = place
    tree: _Tree = {key: _Leaf(given.text, given.label, given.origin)}
    for table in reversed(tables):
        tree = {table: tree}
    return tree


def _merge(tree: _Tree, stronger: _Tree) -> None:
    for key, value in stronger.items():
        own = tree.get(key)
        if isinstance(own, dict) and isinstance(value, dict):
            _merge(own, value)
        else:
            tree[key] = value


def _table(tree: _Tree, name: str) -> _Tree:
    found = tree.get(name)
    return dict(found) if isinstance(found, dict) else {}


def _flat(tree: _Tree, table: str) -> Iterator[tuple[str, _Leaf]]:
    for key, value in tree.items():
        name = _RENAMED.get(key, key) if table == PREFIX else key
        if isinstance(value, dict):
            yield from _flat(value, f"{table}{name}.")
        else:
            yield f"{table}{name}", value


def _rest(flyway: _Tree) -> Iterator[tuple[str, _Leaf] | Problem]:
    for key, leaf in _flat(flyway, PREFIX):
        # Variables in lower case need no environment: flyway_url is environments_<id>_url.
        if is_of_environment(key) and leaf.origin is Origin.FILE:
            yield Problem(f"{leaf.label} belongs into [environments.<id>]", leaf.origin)
        else:
            yield key, leaf


def _of_environment(chosen: _Tree) -> Iterator[tuple[str, _Leaf] | Problem]:
    own = {key: value for key, value in chosen.items() if key in OF_ENVIRONMENT}
    yield from _flat(own, PREFIX)
    yield from _flat(_table(chosen, _FLYWAY), PREFIX)
    # What would need one of the resolvers is judged where it stands.
    yield from _misspelled(chosen, {*OF_ENVIRONMENT, _FLYWAY, "resolvers"})


def _misspelled(tree: _Tree, known: set[str]) -> Iterator[Problem]:
    """Yield the keys that look like one of *known*. Flyway passes over all it does not know."""
    for key, value in tree.items():
        suggestion = "" if key in known else did_you_mean(key, known)
        if suggestion:
            label = next((leaf.label for _, leaf in _flat({key: value}, "")), key)
            yield Problem(f"{label} is not a setting{suggestion}", Origin.FILE)


def _ignored_tables(tree: _Tree) -> Iterator[str]:
    for key in tree:
        if key not in {_FLYWAY, _ENVIRONMENTS}:
            yield f"{key} in Flyway's TOML files is ignored: it belongs to other programs"


def _entry(key: str, leaf: _Leaf, problems: list[Problem]) -> Entry | None:
    items = leaf.value if isinstance(leaf.value, list) else [leaf.value]
    if not all(isinstance(item, str | int | Decimal) or type(item) is date for item in items):
        reason = "is not a text, a number, a date, true, false or a list"
        problems.append(Problem(f"{leaf.label} {reason}", leaf.origin))
        return None
    texts = [str(item).lower() if isinstance(item, bool) else str(item) for item in items]
    if isinstance(leaf.value, list) and any("," in text for text in texts):
        problems.append(Problem(f"{leaf.label}: an item holds a comma", leaf.origin))
        return None
    given = Given(",".join(texts), leaf.origin, leaf.label)
    return Entry(key, given, has_references=has_references(key))
