"""A literal reference in what is read by its own name, and in flags."""

from __future__ import annotations

import pytest

from hook.errors import ConfigError, ExitCode
from hook.settings.load import Need
from tests.unit.settings.test_load import HOST, load, problems_of


@pytest.mark.parametrize(
    "name",
    [
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL_S3"),
        *("PGSSLROOTCERT", "PGOPTIONS", "PGAPPNAME", "PGPASSWORD", "POSTGRES_USER"),
    ],
)
def test_unexpanded_reference_is_refused_in_what_libraries_read(name: str) -> None:
    """What libpq and boto3 would take as it is; the rest of the value is never shown."""
    (problem,) = problems_of(HOST | {name: "s3cr3t$(NAME)"}, need=Need.DATABASE)
    assert problem == (
        f"{name} holds a literal $(NAME), which Kubernetes left alone: NAME is not defined"
    )


@pytest.mark.parametrize("name", ["PGADMIN_DEFAULT_EMAIL", "POSTGRES_INITDB_ARGS", "OTHER"])
def test_unexpanded_reference_of_another_program_does_not_matter(name: str) -> None:
    """Nobody here reads it."""
    assert load(HOST | {name: "$(NAME)"}, need=Need.DATABASE).database.target


def test_unexpanded_reference_in_a_flag_is_no_usage_error() -> None:
    """The manifest is to be mended, as for a variable; in args the order does not matter."""
    flags = {"url": "$(DB_URL)", "lock_wait": "$(PGHOST)"}
    with pytest.raises(ConfigError) as refused:
        load({"PGHOST": "db"}, flags, Need.DATABASE)
    assert refused.value.exit_code is ExitCode.CONFIG
    assert refused.value.problems == (
        "--url holds a literal $(DB_URL): DB_URL is not defined, so that Kubernetes left it alone",
        "--lock-wait holds a literal $(PGHOST): nothing has expanded it",
    )
    assert "Define DB_URL in the container's env list" in refused.value.hint
