"""Which values may not be shown, found before anything is parsed.

A value that turns out to be unreadable must not be shown either, so secrets are
looked for in the raw text, generously.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from hook.settings.conninfo import decode_percent

_URLS = ("PRESYNC_URL", "FLYWAY_URL", "DATABASE_URL")
# Where a URL stands by mistake, with or without what is in front of its user.
_NAMES = ("POSTGRES_HOST", "POSTGRES_DB", "PGHOST", "PGDATABASE")
_SQL = "FLYWAY_INIT_SQL"
_OURS = ("PRESYNC_", "FLYWAY_", "POSTGRES_", "PG", "AWS_")
_SECRET_ENDING = ("PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "_KEY", "_PASS")
_LOGIN = r"://[^:/@?]*:(?P<password>.*)@"
# SET app.api_key = '…', and set_config('app.api_key', '…', false)
_SET = r"([\w.]+)[\"']?\s*(?:=|,|\bto\b)\s*'((?:[^']|'')*)'"
_PAIR = (
    r"(?is)(?:^|[?&\s])(?:ssl)?password\s*=\s*(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<plain>[^&\s]*))"
)


def find_secrets(environment: Mapping[str, str], urls: Iterable[str] = ()) -> tuple[str, ...]:
    """Return every secret that a variable of ours, or one of *urls*, holds."""
    found = [
        value
        for name, value in environment.items()
        if name.startswith(_OURS) and is_secret_name(name)
    ]
    for text in filter(None, (*urls, *(environment.get(name) for name in _URLS))):
        found += _passwords_in(text)
    for text in filter(None, (environment.get(name) for name in _NAMES)):
        found += _passwords_in(text if "://" in text else f"://{text}")
    found += _set_in(environment.get(_SQL, ""))
    return tuple(dict.fromkeys(value for value in found if value))


def _set_in(sql: str) -> Iterator[str]:
    for match in re.finditer(_SET, sql, re.IGNORECASE):
        if is_secret_name(match[1]):
            yield match[2].replace("''", "'")


def is_secret_name(name: str) -> bool:
    """Tell whether a variable or placeholder called *name* holds a secret."""
    return name.upper().endswith(_SECRET_ENDING)


def _passwords_in(text: str) -> Iterator[str]:
    login = re.search(_LOGIN, text, re.DOTALL)
    spelled = [login["password"]] if login else []
    spelled += [match["quoted"] or match["plain"] or "" for match in re.finditer(_PAIR, text)]
    for password in spelled:
        yield password
        yield re.sub(r"\\(.)", r"\1", password)
        try:
            yield decode_percent(password)
            yield decode_percent(password.replace("+", " "))  # as JDBC URLs are read
        except ValueError:
            continue
