"""Lets a client of boto3 do what a policy allows and nothing else, as IAM would.

moto's own enforcement knows no conditions, and what a gate may list is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import ClientError

from hook.catalogs.s3 import S3Store
from hook.render.iam_policy import render_policy
from hook.settings.backup_source import S3Location, S3Settings
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs

_LIST = {"ListObjectsV2": "s3:ListBucket"}
_MULTIPART = ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject")
_SERVERS = {
    "DBInstanceIdentifier": "db",
    "DBClusterIdentifier": "cluster",
    "DBSnapshotIdentifier": "snapshot",
    "DBClusterSnapshotIdentifier": "cluster-snapshot",
}
_SNAPSHOTS = {"DBSnapshotIdentifier", "DBClusterSnapshotIdentifier"}


class Authority:
    """Judges every request of the clients that it watches by *statements*.

    Attributes:
        used: The patterns that allowed something.
    """

    def __init__(self, statements: Sequence[Mapping[str, Any]]) -> None:
        self._statements = statements
        self.used: set[str] = set()

    def watch(self, client: Any) -> None:
        """Judge the requests of *client* before they are sent."""
        service = client.meta.service_model.service_name
        client.meta.events.register(f"provide-client-params.{service}", self._judge)

    def patterns(self) -> set[str]:
        """Return every pattern of the policy that says to what it applies."""
        found = set()
        for statement in self._statements:
            prefixes = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", [])
            found |= {*statement["Resource"], *prefixes}
        return found

    def _judge(self, params: Mapping[str, Any], model: Any, **_: object) -> None:
        for action, resource in _asked(model.name, params):
            if not self._allows(action, resource, params.get("Prefix", "")):
                user = "User: arn:aws:sts::1:assumed-role/presync/session is"
                message = f"{user} not authorized to perform: {action} on resource: {resource}"
                told = {"Code": "AccessDenied", "Message": message}
                raise ClientError(
                    {
                        "Error": told,
                        "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": {}},
                    },
                    model.name,
                )

    def allows_path(self, bucket: str, path: str) -> bool:
        """Judge the request for *path*, as a server of S3 sees it, of *bucket*."""
        told = urlsplit(path)
        arn = f"arn:aws:s3:::{bucket}"
        if told.query and "list-type" in (query := parse_qs(told.query, keep_blank_values=True)):
            return self._allows("s3:ListBucket", arn, query["prefix"][0])
        key = unquote(told.path).removeprefix(f"/{bucket}/")
        return self._allows("s3:GetObject", f"{arn}/{key}", "")

    def _allows(self, action: str, resource: str, prefix: str) -> bool:
        allowed = False
        for statement in self._statements:
            if action not in statement["Action"]:
                continue
            resources = [item for item in statement["Resource"] if _is_like(item, resource)]
            condition = statement.get("Condition", {}).get("StringLike", {})
            prefixes = [item for item in condition.get("s3:prefix", []) if _is_like(item, prefix)]
            if resources and (prefixes or not condition):
                self.used |= {*resources, *prefixes}
                allowed = True
        return allowed


def _asked(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the actions that *operation* takes, each with what it is on."""
    if "Bucket" not in params:
        for name, kind in _SERVERS.items():
            if name in params:
                yield f"rds:{operation}", f"arn:aws:rds:eu-central-1:1:{kind}:{params[name]}"
        if operation.endswith("Snapshots"):
            kind = "cluster-snapshot" if "Cluster" in operation else "snapshot"
            yield f"rds:{operation}", f"arn:aws:rds:eu-central-1:1:{kind}:*"
        for name in _SNAPSHOTS & params.keys() if params.get("Tags") else ():
            snapshot = f"{_SERVERS[name]}:{params[name]}"
            yield "rds:AddTagsToResource", f"arn:aws:rds:eu-central-1:1:{snapshot}"
        return
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    if operation in _LIST:
        yield _LIST[operation], bucket
        return
    action = {"HeadObject": "GetObject"}.get(operation, operation)
    action = "PutObject" if operation in _MULTIPART else action
    yield f"s3:{action}", f"{bucket}/{params['Key']}"


def _is_like(pattern: str, text: str) -> bool:
    """Tell whether *text* is like *pattern*, whose ``${*}`` is a star and no more."""
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    special = {"*": ".*", "?": "."}
    expression = "".join(
        special.get(part) or re.escape(part[2] if re.fullmatch(r"\$\{.\}", part) else part)
        for part in parts
    )
    return re.fullmatch(expression, text, re.DOTALL) is not None


def policy_statements(**environment: str) -> list[dict[str, Any]]:
    """Return the statements of the policy that `presync config --iam-policy` prints."""
    settings = load_settings(Inputs(environment=environment), Need.ANY_DATABASE)
    statements: list[dict[str, Any]] = json.loads(render_policy(settings, environment))["Statement"]
    return statements


def watched_store(url: str, settings: S3Settings, authority: Authority) -> S3Store:
    """Return the bucket at *url*, every request to which *authority* judges."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    store = S3Store(S3Location(bucket, prefix), settings)
    authority.watch(store._client)
    return store
