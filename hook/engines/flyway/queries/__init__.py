"""Queries on the schema history, one per file.

Names of tables cannot be parameters. A word in braces stands for SQL text that
`hook.core.sql.sql_text` has quoted. All names are qualified, see `hook.postgres.queries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parent


def load_query(name: str, texts: Mapping[str, str]) -> str:
    """Return the text of ``<name>.sql`` with *texts* put in."""
    query = (_FOLDER / f"{name}.sql").read_text("utf-8")
    for word, text in texts.items():
        query = query.replace(f"{{{word}}}", text)
    return query
