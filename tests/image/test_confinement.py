"""The image inside the limits of its pod: nothing to write to, no rights, little memory."""

from __future__ import annotations

from collections.abc import Callable

from tests.testbed.pod import Pod
from tests.testbed.process import Completed

_TMP = "/tmp"  # noqa: S108 - it is in the container, and nobody else is
_TRY_TO_WRITE = """
import errno, pathlib
for folder in ("/", "/opt/presync/bin", "/migrations", "/var/tmp", "/home", "/run", "/tmp"):
    try:
        (pathlib.Path(folder) / "probe").write_text("x")
        print(folder, "written")
    except OSError as error:
        print(folder, errno.errorcode[error.errno])
"""
_FILL_TMP = """
import errno
try:
    with open("/tmp/fill", "wb") as file:
        for _ in range(32):
            file.write(bytes(2**20))
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def test_only_tmp_can_be_written(run_python: Callable[[str], str]) -> None:
    """Everything else is a read-only file system, or does not exist."""
    outcome = dict(line.split() for line in run_python(_TRY_TO_WRITE).splitlines())
    assert [folder for folder, result in outcome.items() if result == "written"] == [_TMP]
    assert outcome["/migrations"] == "ENOENT"
    assert set(outcome.values()) == {"EROFS", "ENOENT", "written"}


def test_tmp_is_bounded(run_python: Callable[[str], str]) -> None:
    """A runaway file ends in an error and not in the eviction of other pods."""
    assert run_python(_FILL_TMP) == "ENOSPC\n"


def test_process_has_no_rights(run_python: Callable[[str], str]) -> None:
    """No capability, no way to gain one, system calls filtered, nobody's user."""
    status = run_python("print(open('/proc/self/status').read())")
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    assert all(int(fields[f"Cap{name}"], 16) == 0 for name in ("Inh", "Prm", "Eff", "Bnd", "Amb"))
    assert fields["NoNewPrivs"].strip() == "1"
    assert fields["Seccomp"].strip() == "2"
    assert set(fields["Uid"].split()) == set(fields["Gid"].split()) == {"10001"}


def test_presync_is_the_first_process(run_python: Callable[[str], str]) -> None:
    """The stop signal of the kubelet reaches presync itself."""
    assert run_python("import os; print(os.getpid())") == "1\n"


def test_memory_beyond_the_limit_ends_the_process(
    image: str, run_pod: Callable[[Pod], Completed]
) -> None:
    """The kernel kills it, and the exit code says so."""
    greedy = Pod(image, entrypoint="python", arguments=["-c", "b'x' * 2**28"])
    assert run_pod(greedy).exit_code == 137


def test_any_user_can_run_it(image: str, run_pod: Callable[[Pod], Completed]) -> None:
    """A cluster may run the pod as a user of its own choice."""
    assert run_pod(Pod(image, user="1000650000:0", arguments=["--version"])).exit_code == 0
