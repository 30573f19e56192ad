"""Bounds the answers of a service before botocore makes sense of them.

botocore reads an answer as a whole and builds a tree of it, however long it is. Import this
only where a service is really asked: it loads botocore.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from botocore.awsrequest import AWSResponse
from botocore.response import StreamingBody

# A page of a listing has a thousand entries, of 400 bytes and 20 tags beside their names.
ANSWER_LIMIT = 2 * 2**20
# An element takes a hundred bytes of memory and more, and is made by four.
TAG_LIMIT = 100_000
_PIECE = 2**16
_FIRST_NO_SUCCESS = 300
_AS_IT_IS = "identity"


class AnswerRefused(ValueError):
    """A service answers with more than it has any reason to, or in a way not asked for."""


class BoundedSession:
    """An HTTP session of botocore that reads no more of an answer than the limit.

    The body of an object is left to whoever asked for it; in its place may come an error.
    """

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - botocore brings no types
        self._session = session

    def send(self, request: Any) -> Any:  # noqa: ANN401 - as above
        """Return the answer to *request*.

        Raises:
            AnswerRefused: It is longer than the limit, a tree of it would be too large, or it
                is packed, which botocore would take for a damaged one.
            HTTPClientError: As the session itself does.
        """
        is_object = request.stream_output
        # Else it would be read at once.
        request.stream_output = True
        response = self._session.send(request)
        if is_object and response.status_code < _FIRST_NO_SUCCESS:
            return response
        packing = response.headers.get("Content-Encoding", _AS_IT_IS)
        if packing != _AS_IT_IS:
            response.raw.close()
            raise AnswerRefused(f"it packs its answer ({packing}), which nobody asked for")
        body = _Body(_read(response.raw))
        return AWSResponse(response.url, response.status_code, response.headers, body)

    def close(self) -> None:
        """Close its connections."""
        self._session.close()


class _Body(NamedTuple):
    """A body that has been read, as botocore wants to read it."""

    data: bytes

    def stream(self) -> Iterator[bytes]:
        """Yield it."""
        yield self.data


def _read(raw: Any) -> bytes:  # noqa: ANN401 - as above
    # It turns what goes wrong on the way into errors of botocore, which tries again then.
    body, data, tags = StreamingBody(raw, None), bytearray(), 0
    while piece := body.read(_PIECE):
        data += piece
        tags += piece.count(b"<")
        if len(data) > ANSWER_LIMIT or tags > TAG_LIMIT:
            body.close()
            raise AnswerRefused(
                f"it sends more than {ANSWER_LIMIT // 2**20} MiB or {TAG_LIMIT} tags in one answer"
            )
    return bytes(data)
