"""What is told of a marker while the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hook.core.backups.marker import Marker, exact_time

if TYPE_CHECKING:
    from hook.stages import Context

Note = Callable[[Marker], None]


def tell(ctx: Context, marker: Marker) -> None:
    """Tell where the run begins."""
    ctx.events(
        "marker.recorded",
        f"the run begins at {marker.describe()}",
        name=marker.name,
        lsn=marker.lsn,
        time=exact_time(marker.time),
        timeline=marker.timeline,
        segment=marker.segment,
        backup=marker.backup,
    )
