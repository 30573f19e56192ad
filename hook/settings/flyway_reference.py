"""What ``${env.NAME}`` stands for in Flyway's configuration.

Source: Flyway's documentation, "Environment Variable Resolver" and "Property Resolvers".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_VERBATIM = re.compile(r"\s*!\{(.*)\}\s*", re.DOTALL)
_RESOLVER = re.compile(r"\$?\$\{([^.{}]+)\.([^.{}]+)\}")


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """Return *text* with each ``${env.NAME}`` replaced by the variable.

    Raises:
        ValueError: A variable is not set, or something else is to be resolved.
    """
    verbatim = _VERBATIM.fullmatch(text)
    if verbatim:
        return verbatim[1]
    return _RESOLVER.sub(lambda match: _resolved(match, environment), text)


def _resolved(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match[0].startswith("$$"):
        return match[0][1:]
    resolver, name = match[1].strip(), match[2].strip()
    if resolver.lower() != "env":
        raise ValueError(f"the resolver {resolver} is not supported; ${{env.NAME}} is")
    if ":" in name:
        raise ValueError(f"the filter in ${{env.{name}}} is not supported")
    if name not in environment:
        raise ValueError(f"the variable {name} is not set")
    return environment[name].rstrip("\r\n")
