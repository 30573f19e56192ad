"""What the tests in this folder fetch; when it cannot be had, the session ends at once."""

from __future__ import annotations

import pytest

from tests.testbed.download import NotAvailable
from tests.upstream.npm_servers import TOO_OLD, server_programs
from tests.upstream.regression_sql import load_regression_scripts


def pytest_configure() -> None:
    """Fetch everything before the first test, and before there are workers."""
    try:
        server_programs(TOO_OLD)
        load_regression_scripts()
    except NotAvailable as error:
        raise pytest.UsageError(str(error)) from error
