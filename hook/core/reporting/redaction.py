"""Secrets taken out of every text that leaves the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from json.encoder import encode_basestring, encode_basestring_ascii

MASK = "***"
# Replacing anything shorter would garble every other word and hide nothing worth hiding.
_SHORTEST = 4
_CUT = "…"
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Redactor:
    """Replaces known secrets by `MASK`, in every spelling they may appear in."""

    def __init__(self, secrets: Iterable[str], public: Iterable[str] = ()) -> None:
        """Know *secrets*.

        Args:
            secrets: Values that may not be shown.
            public: Values that are shown anyway, such as the user's name. A secret
                equal to one of them is left alone: a mask in the place of a name that
                the reader knows would tell the secret.
        """
        hidden = {secret for secret in secrets if len(secret) >= _SHORTEST} - set(public)
        forms = {form for secret in hidden for form in _spellings(secret)}
        # Longest first: a secret may be part of another one's spelling.
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        # What a text with one of them, whole or cut, has in it once it is JSON.
        self._traces = frozenset(encode_basestring(form)[1:-1] for form in self._forms) | {_CUT}

    def is_clean(self, text: str) -> bool:
        """Tell whether there is nothing to redact in *text*, JSON with other languages readable.

        It takes a hundredth of the time of `value`, and a secret is rare.
        """
        return not self._forms or not any(trace in text for trace in self._traces)

    def text(self, text: str) -> str:
        """Return *text* without secrets, also where it was cut inside one."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
            if _CUT in text:
                text = _without_clipped(text, form)
        return text

    def cut_apart(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the text of *pieces* cut where no secret is: each can be redacted alone."""
        longest = max(map(len, self._forms), default=0)
        held = ""
        for piece in pieces:
            held += piece
            end = self._between_secrets(held, len(held) - longest)
            if end:
                yield held[:end]
                held = held[end:]
        if held:
            yield held

    def _between_secrets(self, text: str, end: int) -> int:
        """Return *end*, or a place in front of it where no secret is cut in two."""
        place = max(end, 0)
        while True:
            across = [
                text.find(form, max(place - len(form) + 1, 0), place + len(form) - 1)
                for form in self._forms
            ]
            starts = [start for start in across if start >= 0]
            if not starts:
                return place
            place = min(starts)

    def value(self, value: object) -> object:
        """Return *value*, JSON-ready, with every text in it redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def _without_clipped(text: str, secret: str) -> str:
    """Return *text* with what an ellipsis has left of *secret* on either side masked."""
    parts = text.split(_CUT)
    lengths = range(len(secret) - 1, _SHORTEST - 1, -1)
    for number, part in enumerate(parts[:-1]):
        length = next((item for item in lengths if part.endswith(secret[:item])), 0)
        parts[number] = part[:-length] + MASK if length else part
    for number, part in enumerate(parts[1:], 1):
        length = next((item for item in lengths if part.startswith(secret[-item:])), 0)
        parts[number] = MASK + part[length:] if length else part
    return _CUT.join(parts)


def _spellings(secret: str) -> set[str]:
    """Return *secret* as it is, percent-encoded, in JSON, in `repr`, in SQL and conninfo."""
    data = secret.encode("utf-8", "surrogateescape")
    upper, lower = (
        "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:{hexadecimal}}" for byte in data)
        for hexadecimal in ("02X", "02x")
    )
    return {
        secret,
        upper,
        lower,
        upper.replace("%20", "+"),
        encode_basestring(secret)[1:-1],
        encode_basestring_ascii(secret)[1:-1],
        repr(secret)[1:-1],
        secret.replace("'", "''"),
        secret.replace("\\", "\\\\").replace("'", "\\'"),
    }
