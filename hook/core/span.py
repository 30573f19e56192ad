"""Spans of time for readers."""

from __future__ import annotations

from datetime import timedelta


def describe_span(span: timedelta) -> str:
    """Return *span* in its two largest units, ``31h 5m``; below a second as ``0.3s``."""
    seconds = max(0.0, span.total_seconds())
    if 0 < seconds < 1:
        # Cut as longer ones are: no second is told as ``1.0s`` beside a ``1s``.
        return f"{min(seconds, 0.9):.1f}s"
    minutes, whole_seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    units = ((hours, "h"), (minutes, "m"), (whole_seconds, "s"))
    return " ".join([f"{count}{unit}" for count, unit in units if count][:2]) or "0s"
