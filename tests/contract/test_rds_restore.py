"""The printed commands of the AWS CLI, against the model of RDS that the CLI itself is made of."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

import pytest
from botocore import xform_name
from botocore.session import get_session
from botocore.validate import ParamValidator

from hook.core.backups.restore_commands import RestorePoint, RestoreSource, restore_commands

TIME = datetime(2026, 11, 21, 19, 31, 34, 971812, UTC)
POINT = RestorePoint("presync-shop", "0/38025F60", TIME, 3, None)


@pytest.mark.parametrize("system", ["rds", "rds-cluster"])
def test_printed_command_is_one_that_the_service_takes(system: str) -> None:
    """Operation and options exist, nothing that is required lacks, each value is of its type."""
    (way,) = restore_commands(RestoreSource(system, "shop"), POINT)
    program, service, operation, *rest = shlex.split(way.command)
    assert (program, service) == ("aws", "rds")
    model = get_session().get_service_model("rds")
    commands = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(commands[operation]).input_shape
    members = {f"--{xform_name(name, '-')}": name for name in shape.members}
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    parameters = {members[option]: value for option, value in options.items()}
    problems = ParamValidator().validate(parameters, shape)
    assert not problems.has_errors(), problems.generate_report()
    assert set(shape.required_members) <= set(parameters)
    (restored_to,) = (
        value for name, value in parameters.items() if shape.members[name].type_name == "timestamp"
    )
    # The last whole second before the marker: the service knows no finer one.
    assert datetime.fromisoformat(restored_to) == TIME.replace(microsecond=0)
