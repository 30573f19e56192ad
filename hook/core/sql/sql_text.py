"""Names and values as SQL text, for statements that travel inside a script's message.

Such a message has no parameters (PostgreSQL manual, "Simple Query"), and the script
before them may have changed the session, so the text must mean the same under every
setting.
"""

from __future__ import annotations


def quote_identifier(name: str) -> str:
    """Return *name* as a quoted identifier, its case kept."""
    return '"' + name.replace('"', '""') + '"'


def qualified_name(schema: str, name: str) -> str:
    """Return *name* in *schema*, both quoted."""
    return f"{quote_identifier(schema)}.{quote_identifier(name)}"


def quote_literal(text: str | None) -> str:
    """Return *text* as a string literal, none as NULL.

    What a backslash means in a plain literal depends on
    ``standard_conforming_strings``; in an escape string it does not.
    """
    if text is None:
        return "NULL"
    quoted = text.replace("'", "''")
    if "\\" in quoted:
        return "E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"


def printable_literal(text: str) -> str:
    """Return *text* as a string literal that a person can copy from one line of a log.

    What is not to be seen on it, such as a newline, is written as an escape.
    """
    if text.isprintable():
        return quote_literal(text)
    quoted = text.replace("\\", "\\\\").replace("'", "''")
    return "E'" + "".join(map(_visible, quoted)) + "'"


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"
