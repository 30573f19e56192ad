"""Objects of Kubernetes that stand for a backup which others make, of one kind, in a namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hook.core.backups.json_values import mapping_of
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.triggers import Begun, Phase, Standing
from hook.triggers.kubernetes import Answer, KubernetesApi

Finish = Callable[[Answer], tuple[bool, str] | None]


class MadeObjects:
    """Lists those that there are, and follows one of them."""

    def __init__(
        self, api: KubernetesApi, group: str, namespace: str, kind: str, finish_of: Finish
    ) -> None:
        """Ask *api*; nothing is asked yet.

        Args:
            api: The API server.
            group: Of the API, with its version.
            namespace: Where they are.
            kind: Of the objects, with a plural in ``s``.
            finish_of: Tells whether an object succeeded and what is told of it, none while
                it is at work.
        """
        self._api = api
        self._path = f"/apis/{group}/namespaces/{namespace}/{kind.lower()}s"
        self._all = f"{kind}s in {namespace}"
        self._shown = f"{kind} {namespace}/"
        self._finish_of = finish_of
        self._name = ""

    def list_all(self) -> Iterator[Mapping[str, Any]]:
        """Yield all of them, see `KubernetesApi.list_all`."""
        return self._api.list_all(self._path, self._all)

    def take_up(self, name: str) -> Begun:
        """Follow the object *name*, which is there already."""
        self._name = name
        return Begun(f"{self._shown}{name}", is_adopted=True)

    def create(self, body: dict[str, Any]) -> Begun:
        """Create an object of *body*, and follow it.

        Raises:
            HookError: As `KubernetesApi.create`.
        """
        made = self._api.create(self._path, self._all, body)
        self._name = str(mapping_of(made.get("metadata")).get("name") or "")
        if not self._name:
            raise BackupUnknown(
                f"the API server's answer is none of {self._all}: it has no name",
                "See what answers for the API server.",
            )
        return Begun(f"{self._shown}{self._name}", is_adopted=False)

    def look(self) -> Standing:
        """Return how far the object is that is followed.

        Raises:
            BackupUnknown: It could not be asked.
        """
        try:
            answer = self._api.get(f"{self._path}/{self._name}", f"{self._shown}{self._name}")
        except BackupSourceMissing:
            return Standing(Phase.FAILED, "it was deleted")
        finish = self._finish_of(answer)
        if finish is None:
            return Standing(Phase.RUNNING)
        succeeded, told = finish
        return Standing(Phase.ENDED if succeeded else Phase.FAILED, told)
