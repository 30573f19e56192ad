"""What an error of the server means for a migration, by SQLSTATE alone.

Source: PostgreSQL manual, appendix "PostgreSQL Error Codes".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerMessage:
    """An error or notice as the server reported it.

    Attributes:
        position: 1-based character in the text that was sent, none for run-time errors.
    """

    severity: str
    sqlstate: str
    message: str
    detail: str = ""
    hint: str = ""
    position: int | None = None
    context: str = ""
    schema: str = ""
    table: str = ""
    constraint: str = ""
