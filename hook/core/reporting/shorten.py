"""Messages made to fit: what names an object and what says why both survive."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import takewhile

# A word of this length is read at a glance; a shorter one says too little of itself.
_SHORTEST = 24
_SHORTEST_PATH = 12
# Such as "public.flyway_schema_history" says more whole than what is saved by its middle.
_LEGIBLE = 32
_CUT = "…"
# What nothing follows is not worth its place in front of the cut.
_DANGLING = " ,;:=([{"
_QUOTE = '"'
_CLOSING = {"(": ")", "[": "]", "{": "}", _QUOTE: _QUOTE}
# A server that is quoted says ``near "("``, and that opens nothing.
_OPENS_BEHIND = " ("
# Stands for the blanks in a name, which is one word; `one_line` has left none in the text.
_HELD = "\0"


def shorten(text: str, length: int, names: Iterable[str] = (), joint: str = "; ") -> str:
    """Return *text*, one line, in at most *length* characters.

    Folders go first, then the middle of long words: of ``dir/V5__….sql:17`` the version
    and the line stay. Last of all the end.

    Args:
        text: What to make fit.
        length: How much room there is.
        names: Of objects in *text*, which may hold blanks.
        joint: What joins two parts of *text* that matter as much: each loses its end.
    """
    if len(text) <= length:
        return text
    for name in filter(None, names):
        text = text.replace(name, name.replace(" ", _HELD))
    words = _without_folders(text.split(" "))
    for fitted in (words, _squeezed(words, length)):
        if len(_joined(fitted)) <= length:
            return _joined(fitted)
    return cut(_with_short_parts(_joined(_legible(words)), length, joint), length)


def _joined(words: Sequence[str]) -> str:
    return " ".join(words).replace(_HELD, " ")


def cut(text: str, length: int) -> str:
    """Return *text* in at most *length* characters, cut behind a word and shown as cut by ``…``.

    What was opened in front of the cut, a bracket or a quotation, is closed behind it. Only a
    word that is long itself is cut amid its letters.
    """
    if len(text) <= length:
        return text
    for room in range(length - len(_CUT), -1, -1):
        kept = _whole_words(text, room).rstrip(_DANGLING)
        closing = _unclosed(kept)
        if len(kept) + len(_CUT) + len(closing) <= length:
            return f"{kept}{_CUT}{closing}"
    return ""


def _whole_words(text: str, length: int) -> str:
    """Return the beginning of *text*, of *length* characters, without the word that it halves."""
    kept = text[:length]
    if text[length] == " ":
        return kept
    begin = kept.rfind(" ") + 1
    return kept[:begin] if begin and length - begin < _SHORTEST else kept


def _unclosed(text: str) -> str:
    """Return what closes the brackets and the quotation that are open at the end of *text*."""
    closing: list[str] = []
    before = " "
    for character in text:
        if closing and character == closing[-1]:
            closing.pop()
        elif closing[-1:] != [_QUOTE] and before in _OPENS_BEHIND and character in _CLOSING:
            closing.append(_CLOSING[character])
        before = character
    return "".join(reversed(closing))


def squeeze(word: str, length: int) -> str:
    """Return *word* in at most *length* characters, the middle left out."""
    if len(word) <= length:
        return word
    kept = max(length - len(_CUT), 0)
    end = len(word) - kept // 2
    return (word[: kept - kept // 2] + _CUT + word[end:])[:length]


def _without_folders(words: Sequence[str]) -> list[str]:
    """Return *words*, long paths among them without the folders that are common to all."""
    paths = [word.split("/") for word in words if _is_path(word)]
    same = takewhile(
        lambda names: len(set(names)) == 1, zip(*(path[:-1] for path in paths), strict=False)
    )
    folders = "".join(f"{names[0]}/" for names in same)
    if not folders.strip("/"):
        return list(words)
    return [f"{_CUT}/{word.removeprefix(folders)}" if _is_path(word) else word for word in words]


def _is_path(word: str) -> bool:
    """Tell whether *word* is a long path, no address and not ``(presync/1.0``."""
    folders, slash, name = word.rpartition("/")
    is_below = bool(slash and name) and not {"@", ":", "("} & set(folders)
    return is_below and len(word) > _SHORTEST_PATH


def _squeezed(words: Sequence[str], length: int) -> list[str]:
    """Return *words*, the longest of them squeezed until all fit into *length*."""
    room = length - (len(words) - 1)
    longest = max(_fair_share([len(word) for word in words], room), _SHORTEST)
    return [squeeze(word, longest) for word in words]


def _legible(words: Sequence[str]) -> list[str]:
    """Return *words* squeezed where much is saved: the end of the text goes in any case."""
    return [squeeze(word, _SHORTEST) if len(word) > _LEGIBLE else word for word in words]


def _with_short_parts(text: str, length: int, joint: str) -> str:
    parts = text.split(joint)
    room = length - len(joint) * (len(parts) - 1)
    longest = max(_fair_share([len(part) for part in parts], room), _SHORTEST)
    return joint.join(cut(part, longest) for part in parts)


def _fair_share(lengths: Sequence[int], room: int) -> int:
    """Return the length to cut what is longer to, so that *lengths* add up to *room*."""

    def total(longest: int) -> int:
        return sum(min(length, longest) for length in lengths)

    return bisect_right(range(max(lengths)), room, key=total) - 1
