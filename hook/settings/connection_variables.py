"""What Flyway makes of the variables that say where the database is.

Source: Flyway's ``ConfigUtils`` and ``EnvironmentResolver``: they are values of an environment,
so ``${env.NAME}`` in them stands for another variable.
"""

from __future__ import annotations

from collections.abc import Mapping

from hook.settings.setting import Origin, Problem

JDBC_PROPERTY = "FLYWAY_JDBC_PROPERTIES_"
_LOGIN = frozenset({"FLYWAY_URL", "FLYWAY_USER", "FLYWAY_PASSWORD"})


def as_flyway_takes(environment: Mapping[str, str]) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Return *environment* with what stands for something else resolved, and what cannot be.

    The names of connection properties are in small letters: so Flyway takes them over, whatever
    their case, and pgjdbc then passes over those of its parameters that have a capital.
    """
    taken = dict(environment)
    problems: list[Problem] = []
    for name, value in environment.items():
        is_property = name.startswith(JDBC_PROPERTY)
        if not is_property and name not in _LOGIN:
            continue
        del taken[name]
        key = JDBC_PROPERTY + name.removeprefix(JDBC_PROPERTY).lower() if is_property else name
        try:
            taken[key] = _resolved(value, environment)
        except ValueError as error:
            problems.append(Problem(f"{name}: {error}", Origin.ENVIRONMENT))
    return taken, tuple(problems)


def _resolved(value: str, environment: Mapping[str, str]) -> str:
    if "{" not in value:
        return value
    from hook.settings.flyway_reference import resolve  # noqa: PLC0415 - rarely needed

    return resolve(value, environment)
