"""Clients of AWS services, and of services that speak like them, through boto3.

boto3 is imported with the first client and not with this module: it costs a third of a
second and 30 MB, and most runs never ask for a backup.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hook.catalogs.lanes import LANES
from hook.errors import BackupUnknown
from hook.settings.backup_source import S3Settings

if TYPE_CHECKING:
    from botocore.session import Session

ATTEMPTS = 3
# As many as are asked side by side, in two gates.
_CONNECTIONS = 2 * LANES
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


class Service(NamedTuple):
    """A service as boto3 names it.

    Attributes:
        subject: What is looked for there, for messages.
        fallback_region: To sign for when nobody names one; none where only the right
            region has an answer.
    """

    name: str
    subject: str
    fallback_region: str | None = None


def open_client(service: Service, settings: S3Settings) -> Any:  # noqa: ANN401 - brings no types
    """Return a client: no instance metadata for anything but AWS; nothing else is contacted.

    Raises:
        BackupUnknown: The CA file is not there.
        BotoCoreError: boto3's configuration is not one.
    """
    from botocore.session import get_session  # noqa: PLC0415 - expensive

    session = get_session()
    if settings.endpoint is None:
        configured = _configured_endpoint(session, service, settings)
        settings = settings._replace(endpoint=configured)
    return _build_client(session, service, settings)


def _configured_endpoint(session: Session, service: Service, settings: S3Settings) -> str | None:
    """Return the endpoint that boto3's own configuration names, none where that is AWS.

    Only a finished client tells. This one has no credentials, so that nobody is asked for any.
    """
    from botocore.credentials import CredentialResolver  # noqa: PLC0415 - expensive
    from botocore.session import get_session  # noqa: PLC0415 - expensive

    probe = get_session()
    # Reading what the service can do takes most of the time.
    probe.register_component("data_loader", session.get_component("data_loader"))
    probe.register_component("credential_provider", CredentialResolver([]))
    region = _region(probe, service, settings)
    endpoint: str = probe.create_client(service.name, region_name=region).meta.endpoint_url
    return None if _is_aws(endpoint) else endpoint


def _region(session: Session, service: Service, settings: S3Settings) -> str | None:
    """Return the region; other SDKs of AWS, and its pods, say AWS_REGION, which boto3 ignores."""
    named = settings.region or os.environ.get("AWS_REGION")
    region: str | None = named or session.get_config_variable("region")
    return region or service.fallback_region


def _build_client(session: Session, service: Service, settings: S3Settings) -> Any:  # noqa: ANN401 - as above
    import boto3  # noqa: PLC0415 - expensive
    from botocore.config import Config  # noqa: PLC0415 - expensive

    from hook.catalogs.bounded_answers import BoundedSession  # noqa: PLC0415 - loads botocore

    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    is_aws = settings.endpoint is None or _is_aws(settings.endpoint)
    if not is_aws:
        # Asking for an instance role takes seconds where 169.254.169.254 is a black
        # hole, and its credentials are no business of another service.
        session.get_component("credential_provider").remove("iam-role")
    _require_ca_file(service, settings.ca_file or session.get_config_variable("ca_bundle"))
    client = boto3.session.Session(botocore_session=session).client(
        service.name,
        endpoint_url=settings.endpoint,
        region_name=_region(session, service, settings),
        # None and not True: with True botocore ignores AWS_CA_BUNDLE.
        verify=settings.ca_file,
        config=Config(
            s3={"addressing_style": "auto" if is_aws else "path"},
            connect_timeout=settings.connect_timeout.total_seconds(),
            read_timeout=settings.read_timeout.total_seconds(),
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            max_pool_connections=_CONNECTIONS,
            # The newer defaults break on several S3-compatible services.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            user_agent_appid="presync",
        ),
    )
    endpoint = client._endpoint  # noqa: SLF001 - no other place takes a session
    endpoint.http_session = BoundedSession(endpoint.http_session)
    return client


def _moment(value: object) -> datetime:
    """Return a time in an answer, in UTC.

    botocore's own way takes most of the time that reading a long listing takes, and gives each
    a time zone object of its own, of 400 bytes.

    Raises:
        ValueError: There is none.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:  # a header, in the words of mail
        moment = None
    try:
        if moment is None or moment.tzinfo is None:
            moment = _parsed(value)
        return moment.astimezone(UTC)
    except (OverflowError, RuntimeError) as error:
        raise ValueError(f"{str(value)[:40]} is no time") from error


def _parsed(value: object) -> datetime:
    from botocore.utils import parse_timestamp  # noqa: PLC0415 - expensive

    parsed: datetime = parse_timestamp(value)
    return parsed


def _require_ca_file(service: Service, path: str | None) -> None:
    """Refuse a CA file that is not there by its name; botocore would not tell it."""
    if path and not Path(path).exists():
        raise BackupUnknown(
            f"there are no CA certificates at {path} for {service.subject}",
            "Mount the file, or correct AWS_CA_BUNDLE.",
        )


def _is_aws(endpoint: str) -> bool:
    host = endpoint.partition("://")[2].partition("/")[0].partition(":")[0]
    return host.endswith(_AWS_DOMAINS)
