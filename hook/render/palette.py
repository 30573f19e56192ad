"""Colours of a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hook.log import Style


class Colour(Enum):
    """A colour by its meaning; the value is the SGR parameter of ECMA-48."""

    GOOD = "32"
    WARNING = "33"
    BAD = "31"
    DIM = "2"
    STRONG = "1"


@dataclass(frozen=True, slots=True)
class Palette:
    """Paints text, or leaves it alone when nobody would see the colour."""

    style: Style = Style.PLAIN

    def paint(self, text: str, *colours: Colour) -> str:
        """Return *text* in *colours*."""
        if self.style is not Style.COLOUR or not (text and colours):
            return text
        return f"\x1b[{';'.join(colour.value for colour in colours)}m{text}\x1b[0m"
