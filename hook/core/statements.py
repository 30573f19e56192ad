"""The cutting of scripts, under the name by which others than presync import it."""

from __future__ import annotations

from hook.core.sql.statements import split_statements

__all__ = ["split_statements"]
