"""The ways back, in the words of each backup system."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest

from hook.core.backups.dump_form import DumpForm
from hook.core.backups.restore_commands import (
    RECIPES,
    RestorePoint,
    RestoreSource,
    restore_commands,
)

SHANGHAI = timezone(timedelta(hours=8))
NAME = "presync-shop-20261121T193134Z-1ec8a77e"
TIME = datetime(2026, 11, 22, 3, 31, 34, 271812, SHANGHAI)
POINT = RestorePoint(NAME, "0/38025F60", TIME, 3, "20261121-191306F_20261121-191313I")
SHOP = "shop"
PLACE = "s3://backups/shop"


def commands(system: str, point: RestorePoint = POINT, server: str = SHOP) -> list[str]:
    """Return what is to be typed, in order."""
    return [way.command for way in restore_commands(RestoreSource(system, server, PLACE), point)]


def test_pgbackrest_is_told_position_name_time_and_a_look() -> None:
    """Each names the backup that was judged, and a time has its offset."""
    lsn, end = "--type=lsn --target=0/38025F60", "--target-timeline=3 --target-action="
    backup, name = "--set=20261121-191306F_20261121-191313I", f"--type=name --target={NAME}"
    time = "--type=time --target='2026-11-21 19:31:34.271812+00'"
    beside = '--pg1-path="${RESTORE_TO:?an empty folder}" --archive-mode=off'
    assert commands("pgbackrest") == [
        f"pgbackrest --stanza=shop --delta {backup} {lsn} {end}promote restore",
        f"pgbackrest --stanza=shop --delta {backup} {name} {end}promote restore",
        f"pgbackrest --stanza=shop --delta {backup} {time} {end}promote restore",
        f"pgbackrest --stanza=shop {beside} {backup} {lsn} {end}pause restore",
    ]


def test_pgbackrest_is_told_the_repository_where_it_has_several() -> None:
    """By itself it would take the first that has a backup."""
    source = RestoreSource("pgbackrest", "shop", repo=2)
    told = [item.command for item in restore_commands(source, POINT)]
    assert len(told) == 4
    assert all(line.startswith("pgbackrest --stanza=shop --repo=2 --") for line in told)


def test_pgbackrest_without_a_restore_point_has_no_name_to_restore_to() -> None:
    """What the role was not allowed to create cannot be asked for."""
    told = commands("pgbackrest", POINT._replace(name=None, backup=None))
    assert len(told) == 3
    assert not [command for command in told if "--type=name" in command or "--set" in command]


@dataclass(frozen=True, slots=True)
class Expected:
    """How the first command of a system looks like."""

    system: str
    command: str


FIRST = [
    Expected(
        "walg",
        'wal-g backup-fetch "${PGDATA:?the data directory}" 20261121-191306F_20261121-191313I'
        " && printf '%s\\n' 'restore_command = '\"'\"'wal-g wal-fetch %f %p'\"'\"''"
        " 'recovery_target_lsn = '\"'\"'0/38025F60'\"'\"'"
        "' 'recovery_target_timeline = '\"'\"'3'\"'\"''"
        " 'recovery_target_action = '\"'\"'promote'\"'\"''"
        ' >> "${PGDATA:?the data directory}"/postgresql.auto.conf'
        ' && touch "${PGDATA:?the data directory}"/recovery.signal',
    ),
    Expected(
        "barman",
        "barman restore --target-lsn 0/38025F60 --target-tli 3 --target-action promote shop"
        ' 20261121-191306F_20261121-191313I "${PGDATA:?the data directory}"',
    ),
    Expected(
        "cnpg",
        'recoveryTarget: {backupID: "20261121-191306F_20261121-191313I",'
        ' targetLSN: "0/38025F60", targetTLI: "3"}',
    ),
    Expected(
        "rds",
        "aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier shop"
        " --target-db-instance-identifier shop-restore --restore-time 2026-11-21T19:31:34Z",
    ),
    Expected(
        "rds-cluster",
        "aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier shop"
        " --db-cluster-identifier shop-restore --restore-to-time 2026-11-21T19:31:34Z",
    ),
]


@pytest.mark.parametrize("expected", FIRST, ids=lambda item: item.system)
def test_first_way_leads_to_the_marker(expected: Expected) -> None:
    """Position and timeline; where only whole seconds count, the one before the marker."""
    assert commands(expected.system)[0] == expected.command


def test_barman_cloud_fetches_and_configures() -> None:
    """It only fetches files, so the recovery is written down for it."""
    place = "s3://backups/shop"
    first, beside, operator = commands("barman-cloud")
    assert first.startswith(f"barman-cloud-restore {place} shop 20261121-191306F_20261121-191313I")
    assert f"barman-cloud-wal-restore {place} shop %f %p" in first
    assert "archive_mode = off" in beside
    assert "archive_mode" not in first
    assert operator == commands("cnpg")[0]


def test_barman_cloud_is_told_an_endpoint_that_is_not_of_aws() -> None:
    """Both the fetch of the backup and that of the WAL want it, in front of the place."""
    source = RestoreSource("barman-cloud", SHOP, PLACE, "https://s3.example.com")
    first, *_ = (way.command for way in restore_commands(source, POINT))
    option = f"--endpoint-url https://s3.example.com {PLACE} shop"
    assert first.startswith(f"barman-cloud-restore {option} ")
    assert f"barman-cloud-wal-restore {option} %f %p" in first


@pytest.mark.parametrize("system", ["walg", "barman-cloud"])
def test_backup_that_is_not_known_is_asked_for(system: str) -> None:
    """The latest one may be from after the marker, and then the restore fails."""
    told = commands(system, POINT._replace(backup=None))
    fetching = [command for command in told if "recovery.signal" in command]
    assert len(fetching) == 2
    assert all('"${BACKUP:?one that ended before the marker}"' in command for command in fetching)


@pytest.mark.parametrize("system", sorted(RECIPES.keys() - {"dump"}))
@pytest.mark.parametrize("point", [POINT, POINT._replace(name=None, backup=None)])
def test_values_reach_the_tool_as_one_word(system: str, point: RestorePoint) -> None:
    """Whatever a stanza or a backup is called, no shell takes it for more than a name."""
    odd = "a'b; rm -rf $HOME"
    told = commands(system, point, odd)
    assert told
    for command in (item for item in told if not item.startswith(("recoveryTarget", "wal-g "))):
        words = shlex.split(command)
        assert any(odd in word for word in words)
        assert "rm" not in words


ODD = "a'b; rm -rf $HOME"
ODD_SOURCE = RestoreSource("", ODD, f"s3://backups/{ODD}", f"https://{ODD}")
ODD_POINT = POINT._replace(name=ODD, backup=ODD, form=DumpForm.ARCHIVE)


@pytest.mark.parametrize("system", sorted(RECIPES.keys() - {"cnpg"}))
def test_every_value_reaches_the_shell_as_one_word(system: str) -> None:
    """Names of places, of backups and of restore points come from others as well."""
    # Systems whose tool takes the position as an argument; elsewhere it is in a file.
    lsn = ODD if system in {"pgbackrest", "barman"} else POINT.lsn
    point = ODD_POINT._replace(lsn=lsn)
    told = restore_commands(ODD_SOURCE._replace(system=system), point)
    assert told
    for way in (way for way in told if not way.command.startswith("recoveryTarget")):
        words = shlex.split(way.command)
        assert not {"rm", "-rf", "$HOME"} & set(words), way.command
        assert any(ODD in word for word in words)


def test_value_in_a_restore_command_is_one_word_of_it() -> None:
    """It is read twice: as a value of the configuration, then by the shell of the server."""
    (first, *_) = restore_commands(ODD_SOURCE._replace(system="barman-cloud"), ODD_POINT)
    (line,) = (word for word in shlex.split(first.command) if word.startswith("restore_command"))
    value = line.removeprefix("restore_command = '").removesuffix("'").replace("''", "'")
    place = ("--endpoint-url", ODD_SOURCE.endpoint, ODD_SOURCE.place)
    assert shlex.split(value) == ["barman-cloud-wal-restore", *place, ODD, "%f", "%p"]


def test_signs_that_the_server_reads_for_itself_are_doubled_in_its_settings() -> None:
    """A percent sign it fills in, or does not start at all; a backslash it leaves out."""
    source = RestoreSource("barman-cloud", SHOP, r"s3://backups/50%\shop")
    first, *_ = (way.command for way in restore_commands(source, POINT))
    words = shlex.split(first)
    assert words[1] == source.place
    (line,) = (word for word in words if word.startswith("restore_command"))
    assert line == (
        r"restore_command = 'barman-cloud-wal-restore ''s3://backups/50%%\\shop'' shop %f %p'"
    )


@pytest.mark.parametrize("system", ["walg", "barman-cloud"])
def test_recovery_is_configured_to_end_at_the_marker(system: str) -> None:
    """In place it goes on from there; beside production it waits, and archives nothing."""
    target = ["recovery_target_lsn = '0/38025F60'", "recovery_target_timeline = '3'"]
    in_place, beside, *_ = commands(system)
    for command, lines in (
        (in_place, [*target, "recovery_target_action = 'promote'"]),
        (beside, [*target, "recovery_target_action = 'pause'", "archive_mode = off"]),
    ):
        words = shlex.split(command)
        begin = next(at for at, word in enumerate(words) if word.startswith("restore_command"))
        assert words[begin + 1 : words.index(">>")] == lines


def test_backup_that_is_not_known_is_not_named() -> None:
    """The operator chooses by the position; pgBackRest may not choose by the name."""
    (line,) = commands("cnpg", POINT._replace(backup=None))
    assert line == 'recoveryTarget: {targetLSN: "0/38025F60", targetTLI: "3"}'
    by_name = commands("pgbackrest", POINT._replace(backup=None))[1]
    assert f" --delta --type=name --target={NAME} " in by_name


def test_barman_chooses_a_backup_by_itself() -> None:
    """By position, time, and in the look beside; by name only where there is one."""
    told = commands("barman", POINT._replace(name=None, backup=None))
    assert [" auto " in command for command in told] == [True] * 3
    by_name = commands("barman")[1]
    assert f"--target-name {NAME}" in by_name
    assert "--target-time '2026-11-21 19:31:34.271812+00:00'" in commands("barman")[2]


PATH = RestoreSource("dump", "", "/backups/")
BUCKET = RestoreSource("dump", "", PLACE)
CREATE = 'createdb --template=template0 "${RESTORE_TO:?a new database}"'
RESTORE = 'pg_restore --exit-on-error --dbname="${RESTORE_TO:?a new database}"'
PSQL = (
    "psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction"
    ' --dbname="${RESTORE_TO:?a new database}"'
)


def _dump_ways(source: RestoreSource, label: str | None, form: DumpForm | None) -> list[str]:
    point = POINT._replace(backup=label, form=form)
    return [way.command for way in restore_commands(source, point)]


@pytest.mark.parametrize(
    ("form", "command"),
    [
        (DumpForm.ARCHIVE, f"{CREATE} && {RESTORE} '/backups/a b'"),
        (DumpForm.DIRECTORY, f"{CREATE} && {RESTORE} '/backups/a b'"),
        (DumpForm.PLAIN, f"{CREATE} && {PSQL} --file='/backups/a b'"),
        *(
            (
                form,
                (
                    f"{form.value} -t < '/backups/a b' && {CREATE}"
                    f" && {form.value} -dc < '/backups/a b' | {PSQL} --file=-"
                ),
            )
            for form in (DumpForm.GZIP, DumpForm.BZIP2, DumpForm.XZ, DumpForm.LZ4, DumpForm.ZSTD)
        ),
    ],
)
def test_dump_is_restored_beside_what_it_shows(form: DumpForm, command: str) -> None:
    """Into a database that is not there yet, by what reads its form; nothing by half."""
    assert _dump_ways(PATH, "a b", form) == [command]


@pytest.mark.parametrize("form", DumpForm)
def test_dump_in_a_bucket_is_fetched_first(form: DumpForm) -> None:
    """A pipe hides that the rest did not come."""
    (local,) = _dump_ways(RestoreSource("dump", "", "."), "x.dump", form)
    recursive = "--recursive " if form is DumpForm.DIRECTORY else ""
    fetch = f"s3 cp {recursive}{PLACE}/2026/x.dump ./x.dump && {local}"
    assert _dump_ways(BUCKET, "2026/x.dump", form) == [f"aws {fetch}"]
    elsewhere = BUCKET._replace(endpoint="https://s3.example.com")
    endpoint = "--endpoint-url https://s3.example.com"
    assert _dump_ways(elsewhere, "2026/x.dump", form) == [f"aws {endpoint} {fetch}"]


def test_dump_that_nothing_restores_has_no_line() -> None:
    """And neither has one that nobody knows."""
    assert _dump_ways(BUCKET, "x.dump", None) == []
    assert _dump_ways(BUCKET, None, DumpForm.ARCHIVE) == []


@pytest.mark.parametrize("system", ["command", "none", ""])
def test_system_without_recovery_has_no_way_to_a_point(system: str) -> None:
    """Nothing is made up."""
    assert commands(system) == []
