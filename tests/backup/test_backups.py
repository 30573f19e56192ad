"""What can become of a backup: killed, damaged, expired, of an older cluster, without WAL."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS, Ask, Make
from tests.testbed.binaries import Binaries
from tests.testbed.gate_answer import assert_answer, told
from tests.testbed.pgbackrest import PgBackRest, Place
from tests.testbed.postgres_server import PostgresServer, running_server


@contextlib.contextmanager
def damaged_table(server: PostgresServer) -> Iterator[None]:
    """Keep a table on *server* with a page that does not match its checksum."""
    with server.connect() as admin:
        admin.execute("CREATE TABLE damaged AS SELECT generate_series(1, 5000) AS id")
        admin.execute("CHECKPOINT")
        row = admin.execute("SELECT pg_relation_filepath('damaged')").fetchone()
        assert row is not None
        with (server.data / row[0]).open("r+b") as file:
            file.seek(8192 + 4000)
            file.write(b"damage")
        yield
        admin.execute("DROP TABLE damaged")


NewPlace = Callable[[str, str], Place]
STORAGES = pytest.mark.parametrize("storage", ["directory", "s3"])


@STORAGES
def test_killed_backup_does_not_count(
    storage: str, new_place: NewPlace, make_pgbackrest: Make, ask: Ask
) -> None:
    """Neither the first one, nor one after a good backup, which goes on counting."""
    tool = make_pgbackrest([new_place(storage, "killed")])
    tool.kill_backup()
    none = ask(tool)
    assert_answer(none, ExitCode.NO_WAY_BACK, "backup", "no completed backup is listed")
    # rclone holds on to an upload whose client was killed: to resume is to write it again.
    options = ["--no-resume"] if storage == "s3" else []
    good = tool.back_up("full", *options)["label"]
    killed = tool.kill_backup()
    done = ask(tool)
    assert_answer(done, ExitCode.OK, "backup", f"newest usable backup {good} (full)")
    assert killed not in told(done, "backup")


@STORAGES
def test_backup_with_a_damaged_page_does_not_count(
    storage: str, new_place: NewPlace, primary: PostgresServer, make_pgbackrest: Make, ask: Ask
) -> None:
    """The backup ends with exit status 0; only ``backup-error`` tells."""
    tool = make_pgbackrest([new_place(storage, "damaged")])
    good = tool.back_up("full")["label"]
    with damaged_table(primary):
        errored = tool.back_up("full")
    assert errored["error"] is True
    done = ask(tool)
    passed_over = f"{errored['label']} contains damaged pages"
    usable = f"newest usable backup {good} (full)"
    assert_answer(done, ExitCode.OK, "backup", passed_over, usable)


def test_damaged_backup_that_expired_the_good_one_leaves_no_way_back(
    primary: PostgresServer, make_pgbackrest: Make, ask: Ask
) -> None:
    """To the retention an errored full backup is as good as any."""
    tool = make_pgbackrest(options={"repo1-retention-full": "1"})
    tool.back_up("full")
    with damaged_table(primary):
        errored = tool.back_up("full")["label"]
    assert [item["label"] for item in tool.backups()] == [errored]
    done = ask(tool)
    assert_answer(
        done,
        ExitCode.NO_WAY_BACK,
        "backup",
        "the only backup is not usable",
        f"{errored} contains damaged pages",
    )


@STORAGES
def test_repository_after_expiry_is_consistent(
    storage: str, new_place: NewPlace, make_pgbackrest: Make, ask: Ask
) -> None:
    """The expired set is gone without a trace, and what is left counts."""
    tool = make_pgbackrest([new_place(storage, "expired")], {"repo1-retention-full": "1"})
    for kind in ("full", "incr"):
        tool.back_up(kind)
    left = tool.back_up("full")["label"]
    assert [item["label"] for item in tool.backups()] == [left]
    done = ask(tool)
    assert_answer(done, ExitCode.OK, "backup", f"newest usable backup {left} (full)")
    assert len(told(done, "backup").splitlines()) == 1


def test_backup_without_archive_check_does_not_count(make_pgbackrest: Make, ask: Ask) -> None:
    """It ended before its WAL was archived, and here the WAL never will be."""
    tool = make_pgbackrest()
    tool.archive_with("/bin/true")
    label = tool.back_up("full", "--no-archive-check")["label"]
    done = ask(tool)
    assert_answer(
        done,
        ExitCode.NO_WAY_BACK,
        "backup",
        f"{label} was taken without archive check, so its WAL may be missing",
    )


def test_second_repository_is_judged_by_itself(
    new_place: NewPlace, make_pgbackrest: Make, ask: Ask
) -> None:
    """A good repo1 says nothing of a repo2 without backups, and the message names the place."""
    tool = make_pgbackrest([None, new_place("s3", "second")])
    label = tool.back_up("full")["label"]
    assert_answer(ask(tool, repo=1), ExitCode.OK, "backup", f"newest usable backup {label}")
    nothing = ("no completed backup is listed", "s3://backups/second")
    assert_answer(ask(tool, repo=2), ExitCode.NO_WAY_BACK, "backup", *nothing)
    second = tool.back_up("full", repo=2)["label"]
    assert_answer(ask(tool, repo=2), ExitCode.OK, "backup", f"newest usable backup {second}")


def test_repository_laid_as_crunchy_pgo_does_is_read(
    new_place: NewPlace, make_pgbackrest: Make, ask: Ask
) -> None:
    """By the settings that docs/backup-sources.md has for its operator."""
    tool = make_pgbackrest([new_place("s3", "pgbackrest/repo1")], stanza="db")
    label = tool.back_up("full")["label"]
    source = "pgbackrest:s3://backups/pgbackrest/repo1"
    done = ask(tool, PRESYNC_BACKUP_SOURCE=source, PRESYNC_BACKUP_STANZA="db")
    assert_answer(done, ExitCode.OK, "backup", f"newest usable backup {label} (full)")
    assert_answer(done, ExitCode.OK, "archive", "without a hole")


def test_stanza_of_another_cluster_in_the_same_repository_is_refused(
    other_primary: PostgresServer, make_pgbackrest: Make, ask: Ask
) -> None:
    """Two stanzas in one repository: each for its own cluster, and no name is guessed."""
    shop = make_pgbackrest(stanza="shop")
    shop.back_up("full")
    crm = make_pgbackrest(shop.places, server=other_primary, stanza="crm")
    crm.back_up("full")
    ours = ask(shop)
    assert_answer(ours, ExitCode.OK, "backup", "newest usable backup")
    theirs = ask(shop, PRESYNC_BACKUP_STANZA="crm")
    assert_answer(theirs, ExitCode.NO_WAY_BACK, "backup", "holds backups of cluster")
    neither = ask(shop, PRESYNC_BACKUP_STANZA="main")
    assert_answer(neither, ExitCode.NO_WAY_BACK, "backup", "stanzas there: crm, shop")


def test_backups_from_before_a_stanza_upgrade_do_not_count(
    binaries: Binaries, make_pgbackrest: Make, ask: Ask
) -> None:
    """They stay listed; the first backup of the new cluster is the first way back."""
    with running_server(binaries, ARCHIVING, CHECKSUMS) as old:
        tool = make_pgbackrest(server=old)
        label = tool.back_up("full")["label"]
    with running_server(binaries, ARCHIVING, CHECKSUMS) as new:
        upgraded = PgBackRest(new, tool.folder, tool.places)
        upgraded.configure({})
        upgraded.run("stanza-upgrade")
        upgraded.archive()
        older = f"{label} was taken from an older cluster (db-id 1, now 2)"
        assert_answer(ask(upgraded), ExitCode.NO_WAY_BACK, "backup", older)
        first = upgraded.back_up("full")["label"]
        done = ask(upgraded)
        assert_answer(done, ExitCode.OK, "backup", f"newest usable backup {first} (full)")
