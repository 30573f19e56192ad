"""The settings of what is written where, and of who runs."""

from __future__ import annotations

from hook.settings.output import DEFAULT_TERMINATION_LOG, OutputFormat, parse_report_path
from hook.settings.setting import Group, Setting, own, settings_in
from hook.settings.words import choice_of

_FORMAT = "text|json"


def _parse_s3_endpoint(text: str) -> str:
    from hook.settings.backup_source import parse_s3_endpoint  # noqa: PLC0415 - often unset

    return parse_s3_endpoint(text)


CONFIG: Setting[str | None] = own(
    Group.OUTPUT,
    "config",
    str,
    None,
    "PATH",
    "TOML file with settings, weaker than flags and environment.",
)
FORMAT: Setting[OutputFormat | None] = own(
    Group.OUTPUT,
    "format",
    choice_of(OutputFormat),
    None,
    _FORMAT,
    "Form of the result on stdout. Unset: text on a terminal, else JSON.",
)
LOG_FORMAT: Setting[OutputFormat | None] = own(
    Group.OUTPUT,
    "log_format",
    choice_of(OutputFormat),
    None,
    _FORMAT,
    "Form of the log on stderr. Unset: text on a terminal, else JSON.",
)
REPORT: Setting[str | None] = own(
    Group.OUTPUT,
    "report",
    parse_report_path,
    None,
    "PATH|s3://…",
    "File or object for the report as JSON; not being able to write it is exit code 50.",
)
TERMINATION_LOG: Setting[str] = own(
    Group.OUTPUT,
    "termination_log",
    str,
    DEFAULT_TERMINATION_LOG,
    "PATH",
    "File for the termination message of the container; the default one only if it exists.",
)
POD: Setting[str | None] = own(
    Group.OUTPUT, "pod", str, None, "NAME", "Pod that runs, from the downward API; only told."
)
NAMESPACE: Setting[str | None] = own(
    Group.OUTPUT, "namespace", str, None, "NAME", "Its namespace; only told."
)
JOB: Setting[str | None] = own(
    Group.OUTPUT, "job", str, None, "NAME", "Job that the pod belongs to; only told."
)
JOB_UID: Setting[str | None] = own(
    Group.OUTPUT, "job_uid", str, None, "UID", "Unique id of the Job; only told."
)
S3_ENDPOINT: Setting[str | None] = own(
    Group.BACKUP,
    "s3_endpoint",
    _parse_s3_endpoint,
    None,
    "URL",
    "S3 service, when it is not AWS. Region, credentials and CA are boto3's own variables.",
)._replace(
    environment=("PRESYNC_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3"),
)
OUTPUT_SETTINGS = settings_in(globals())
