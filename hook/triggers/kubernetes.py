"""Requests to the API server of the cluster that this pod runs in.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from hook.core.backups.json_values import mapping_of, mappings_of
from hook.core.text import clip, one_line
from hook.errors import BackupSourceMissing, BackupUnknown, HookError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT_SECONDS = 10.0
# What is made of an answer takes eight times as much; of lists one page is held at a time.
_ANSWER_LIMIT = 2**23
_PAGE_SIZE = 100
_DETAIL_LENGTH = 200
_PAGE_LIMIT = 250
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_VERBS = {"GET": "read", "POST": "create"}

Answer = dict[str, Any]


class _NoRedirects(HTTPRedirectHandler):
    """An API server does not redirect, and another host has no business with our token."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow none."""


class KubernetesApi:
    """The API server; *folder* holds token and CA as they are mounted into a pod."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, path: str, name: str, query: Mapping[str, str] | None = None) -> Answer:
        """Return the object or the list at *path*, which *name* is for messages.

        Raises:
            BackupSourceMissing: There is none.
            BackupUnknown: There is no answer that can be used.
        """
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path, name)

    def list_all(self, path: str, name: str) -> Iterator[Mapping[str, Any]]:
        """Yield the items at *path*, page after page.

        Raises:
            BackupUnknown: As `get`, or the list does not end.
        """
        query = {"limit": str(_PAGE_SIZE)}
        for _ in range(_PAGE_LIMIT):
            page = self.get(path, name, query)
            items = page.get("items")
            if not isinstance(items, list | None):  # one that is empty may come as null
                raise _no_answer(ValueError("its list of items is none"))
            yield from mappings_of(items)
            following = mapping_of(page.get("metadata")).get("continue")
            if not following:
                return
            query |= {"continue": str(following)}
        raise BackupUnknown(f"the list of {name} does not end", "Delete what nobody needs of them.")

    def create(self, path: str, name: str, body: Answer) -> Answer:
        """Create *body* at *path* and return it as the server has it.

        Raises:
            BackupSourceMissing: There is no such path.
            BackupUnknown: The server refuses, or there is no answer that can be used.
        """
        return self._ask("POST", path, name, json.dumps(body).encode())

    def _ask(self, method: str, path: str, name: str, body: bytes | None = None) -> Answer:
        request = Request(f"{_address()}{path}", body, method=method)  # noqa: S310 - https only
        request.add_header("Authorization", f"Bearer {self._read('token')}")
        request.add_header("Accept", "application/json")
        request.add_header("Content-Type", "application/json")
        try:
            context = ssl.create_default_context(cadata=self._read("ca.crt"))
            # The cluster's own address is no proxy's business, whatever the variables say.
            opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context), _NoRedirects())
            with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                data = response.read(_ANSWER_LIMIT + 1)
            answer = json.loads(data) if len(data) <= _ANSWER_LIMIT else None
        except HTTPError as error:
            _refuse(error, _VERBS[method], name)
        except (URLError, OSError, HTTPException, ValueError, RecursionError) as error:
            raise _no_answer(error) from error
        if not isinstance(answer, dict):
            raise _no_answer(ValueError("it is no object, or a huge one"))
        return answer

    def _read(self, file: str) -> str:
        """Return a mounted file as it is now: the kubelet replaces tokens before they expire."""
        path = self._folder / file
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise BackupUnknown(
                f"the service account's {path} cannot be read: {reason.lower()}",
                "Give the pod a service account and set automountServiceAccountToken: true.",
            ) from error


def _address() -> str:
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{name}", "") for name in ("HOST", "PORT"))
    if not host or not port:
        raise BackupSourceMissing(
            "there is no Kubernetes API: KUBERNETES_SERVICE_HOST and _PORT are not set",
            "Run in a pod, or unset PRESYNC_BACKUP_TRIGGER.",
        )
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _refuse(error: HTTPError, verb: str, name: str) -> NoReturn:
    """Raise what the server's refusal to let us *verb* the object *name* means."""
    with error:
        detail = _told(error)
    raise _refusal(error.code, detail, verb, name) from error


def _refusal(status: int, detail: str, verb: str, name: str) -> HookError:
    if status == _NOT_FOUND:
        return BackupSourceMissing(
            f"there is no {name} ({detail})",
            "Correct PRESYNC_BACKUP_TRIGGER, or create what it names.",
        )
    if status == _UNAUTHORIZED:
        return BackupUnknown(
            f"the API server does not accept the service account's token ({detail})",
            "See that the token is projected into the pod and the service account exists.",
        )
    if status == _FORBIDDEN:
        return BackupUnknown(
            f"the service account may not {verb} {name} ({detail})",
            "Bind the Role of docs/backup-trigger.md to it.",
        )
    return BackupUnknown(
        f"the API server refuses to {verb} {name}: HTTP {status} ({detail})",
        "See what it says; run again when it is a passing failure.",
    )


def _told(error: HTTPError) -> str:
    """Return the message of the server's Status object, or the status alone."""
    try:
        status = json.loads(error.read(_ANSWER_LIMIT))
        told = str(status["message"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
        told = f"HTTP {error.code}"
    return clip(one_line(told), _DETAIL_LENGTH)


def _no_answer(error: Exception) -> BackupUnknown:
    reason = getattr(error, "reason", None) or error
    return BackupUnknown(
        f"the Kubernetes API does not answer: {clip(one_line(str(reason)), _DETAIL_LENGTH)}",
        "Let the NetworkPolicy pass the API server's port, then run again.",
    )
