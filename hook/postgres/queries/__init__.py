"""Queries longer than a line, one per file.

They run under whatever search path the role or the last script has. Every name is
qualified, operators too, so that nothing a schema holds can take the place of the
catalog's own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def load_query(name: str) -> str:
    """Return the text of ``<name>.sql``."""
    return (_FOLDER / f"{name}.sql").read_text("utf-8")
