"""Settings from flags, environment, file and defaults."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hook.core.outcome import Policy
from hook.core.schema_history.history_rules import OnAhead, TargetKind
from hook.errors import BadFlags, ConfigError, ExitCode
from hook.settings import Settings
from hook.settings.backup_source import BackupSource, BackupSystem, DirectoryLocation
from hook.settings.load import Need, load_settings
from hook.settings.setting import Origin
from hook.settings.sources import Inputs

HOST = {"POSTGRES_HOST": "db", "POSTGRES_DB": "shop"}


def load(
    environment: dict[str, str] | None = None,
    flags: dict[str, str] | None = None,
    need: Need = Need.NO_DATABASE,
) -> Settings:
    """Return the settings of a process started like this."""
    return load_settings(Inputs(flags or {}, environment or {}), need)


def problems_of(
    environment: dict[str, str] | None = None,
    flags: dict[str, str] | None = None,
    need: Need = Need.NO_DATABASE,
) -> tuple[str, ...]:
    """Return the problems of a process started like this."""
    with pytest.raises((ConfigError, BadFlags)) as refused:
        load(environment, flags, need)
    assert isinstance(refused.value, ConfigError | BadFlags)
    return refused.value.problems


def test_defaults_are_the_documented_ones() -> None:
    """Without anything set the numbers of the documentation hold."""
    settings = load()
    assert settings.run.deadline == timedelta(minutes=25)
    assert settings.run.lock_wait == timedelta(seconds=60)
    assert settings.run.lock_ladder[0] == timedelta(milliseconds=100)
    assert settings.run.statement_timeout == timedelta(minutes=5)
    assert settings.database.wait_timeout == timedelta(seconds=120)
    assert settings.backup.max_age == timedelta(hours=24)
    assert settings.backup.policy is settings.blockers.policy is Policy.ENFORCE
    assert settings.backup.source is None
    assert settings.blockers.max_age == timedelta(minutes=30)
    assert settings.migrations.history.table == "flyway_schema_history"
    assert settings.migrations.rules.on_ahead is OnAhead.PASS
    assert settings.migrations.rules.target.kind is TargetKind.LATEST


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    """Each source gives way to the stronger one, and the value knows its place."""
    file = tmp_path / "presync.toml"
    file.write_text('deadline = "3m"\nlock_wait = "3s"\nblocker_wait = "3s"\n')
    environment = {
        "PRESYNC_CONFIG": str(file),
        "PRESYNC_DEADLINE": "2m",
        "PRESYNC_LOCK_WAIT": "2s",
    }
    settings = load(environment, {"deadline": "1m"})
    assert settings.run.deadline == timedelta(minutes=1)
    assert settings.run.lock_wait == timedelta(seconds=2)
    assert settings.blockers.wait == timedelta(seconds=3)
    given = settings.provenance.given
    assert [given[name].label for name in ("deadline", "lock_wait", "blocker_wait")] == [
        "--deadline",
        "PRESYNC_LOCK_WAIT",
        f"{file}: blocker_wait",
    ]
    assert given["statement_timeout"].origin is Origin.DEFAULT


def test_own_variable_beats_the_one_of_flyway() -> None:
    """Where two variables set the same thing, presync's own is the stronger."""
    environment = {"PRESYNC_LOCATIONS": "/own", "FLYWAY_LOCATIONS": "filesystem:/flyway"}
    assert load(environment).migrations.sources.locations == ("/own",)
    del environment["PRESYNC_LOCATIONS"]
    assert load(environment).migrations.sources.locations == ("filesystem:/flyway",)


def test_empty_variable_counts_as_not_set() -> None:
    """A manifest filled from a template may set a variable to nothing."""
    environment = {"PRESYNC_DEADLINE": "", "FLYWAY_INIT_SQL": "", "PRESYNC_UNKNOWN": ""}
    assert load(environment).run.deadline == timedelta(minutes=25)


def test_empty_variable_is_a_value_where_flyway_takes_it_for_one() -> None:
    """Without its prefix, with no pattern, a setting of Flyway's means something else."""
    names = ("SQL_MIGRATION", "REPEATABLE_SQL_MIGRATION", "BASELINE_MIGRATION")
    environment = {f"FLYWAY_{name}_PREFIX": "" for name in names}
    environment |= {"FLYWAY_IGNORE_MIGRATION_PATTERNS": "\n", "FLYWAY_BASELINE_DESCRIPTION": ""}
    migrations = load(environment).migrations
    naming = migrations.sources.naming
    assert (naming.versioned_prefix, naming.repeatable_prefix, naming.baseline_prefix) == ("",) * 3
    assert (migrations.rules.ignore_patterns, migrations.baseline.description) == ((), "")


def test_newline_at_the_end_of_a_value_is_cut() -> None:
    """A value from a Secret made with `echo` means what it says."""
    settings = load({"PRESYNC_DEADLINE": "3m\n", "PRESYNC_BACKUP_STANZA": "main\n"})
    assert settings.run.deadline == timedelta(minutes=3)
    assert settings.backup.stanza == "main"


def test_all_problems_are_told_at_once() -> None:
    """One failed sync is enough to correct a manifest."""
    environment = {
        "PRESYNC_DEADLINE": "soon",
        "PRESYNC_BACKUP_POLICY": "maybe",
        "PRESYNC_BACKUP_SOURCE": "floppy:/a",
        "PRESYNC_BACKUP_MAXAGE": "1h",
        "FLYWAY_TARGET": "tomorrow",
        "PRESYNC_OVERRIDE": "backup",
    }
    problems = problems_of(environment, need=Need.DATABASE)
    named = [*environment, "no database is configured"]
    assert all(any(name in problem for problem in problems) for name in named)
    assert len(problems) == len(named)


@pytest.mark.parametrize(
    ("flags", "environment", "code"),
    [
        ({"deadline": "soon"}, {}, ExitCode.USAGE),
        ({"deadline": "soon"}, {"PRESYNC_LOCK_WAIT": "soon"}, ExitCode.CONFIG),
        ({}, {"PRESYNC_LOCK_WAIT": "soon"}, ExitCode.CONFIG),
    ],
)
def test_only_bad_flags_are_a_usage_error(
    flags: dict[str, str], environment: dict[str, str], code: ExitCode
) -> None:
    """Exit code 2 means that correcting the command line is enough."""
    with pytest.raises((BadFlags, ConfigError)) as refused:
        load(environment, flags)
    assert isinstance(refused.value, BadFlags | ConfigError)
    assert refused.value.exit_code is code


def test_missing_database_is_a_problem_only_when_one_is_needed() -> None:
    """Lint and digest work where there is no database."""
    assert load(need=Need.NO_DATABASE).database.target is None
    assert load(need=Need.ANY_DATABASE).database.target is None
    (problem,) = problems_of(need=Need.DATABASE)
    assert problem == "no database is configured, by PRESYNC_URL or otherwise"


def test_sources_that_differ_are_refused() -> None:
    """A contradiction about the target is a problem with both places in it."""
    (problem,) = problems_of(HOST | {"DATABASE_URL": "postgresql://db/blog"}, need=Need.DATABASE)
    assert problem == "DATABASE_URL names db:5432/blog and POSTGRES_HOST names db:5432/shop"


def test_unexpanded_reference_is_the_only_problem_it_causes() -> None:
    """Neither a missing nor a contradicting database is told beside it."""
    environment = {"FLYWAY_URL": "jdbc:postgresql://$(POSTGRES_HOST):5432/shop"}
    for others in ({}, HOST):
        (problem,) = problems_of(environment | others, need=Need.DATABASE)
        assert problem.startswith("FLYWAY_URL holds a literal $(POSTGRES_HOST)")
    (problem,) = problems_of({"PRESYNC_URL": "postgresql://$(PGHOST)/x"}, need=Need.DATABASE)
    assert problem.startswith("PRESYNC_URL holds a literal $(PGHOST)")


@pytest.mark.parametrize("name", ["PRESYNC_BACKUP_STANZA", "FLYWAY_PLACEHOLDERS_ENV"])
def test_unexpanded_reference_is_refused_in_any_setting(name: str) -> None:
    """A stanza or placeholder with a literal reference is never what was meant."""
    (problem,) = problems_of({name: "x-$(NAMESPACE)"})
    assert problem.startswith(f"{name} holds a literal $(NAMESPACE)")


def test_password_file_is_read_without_its_last_newline(tmp_path: Path) -> None:
    """What editors add at the end is no part of the password; blanks are."""
    file = tmp_path / "password"
    file.write_text(" s3cr3t \n")
    settings = load(HOST | {"PRESYNC_PASSWORD_FILE": str(file)}, need=Need.DATABASE)
    assert settings.database.require_target().password == " s3cr3t "
    assert " s3cr3t " in settings.provenance.secrets
    assert "s3cr3t" not in repr(settings)


def test_unreadable_password_file_is_named(tmp_path: Path) -> None:
    """The setting, the path and the reason are told."""
    path = str(tmp_path / "absent")
    (problem,) = problems_of(HOST | {"PRESYNC_PASSWORD_FILE": path}, need=Need.DATABASE)
    assert problem == f"PRESYNC_PASSWORD_FILE: {path}: no such file or directory"


@pytest.mark.parametrize("url", ["postgresql://u:s3cr3t@db/shop", "host=db password=s3cr3t"])
def test_password_on_the_command_line_is_refused(url: str) -> None:
    """Flags are visible to everybody on the machine; a URL without password is fine."""
    (problem,) = problems_of(flags={"url": url}, need=Need.DATABASE)
    assert problem.startswith("--url holds a password")
    assert load(flags={"url": "postgresql://u@db/shop"}, need=Need.DATABASE).database.target


def test_backup_source_and_policies_are_read() -> None:
    """The gate gets what its variables say."""
    settings = load(
        {
            "PRESYNC_BACKUP_SOURCE": "pgbackrest:/backups",
            "PRESYNC_BACKUP_STANZA": "main",
            "PRESYNC_BACKUP_POLICY": "WARN",
            "AWS_ENDPOINT_URL_S3": "http://s3:9000/",
        }
    )
    expected = BackupSource(BackupSystem.PGBACKREST, DirectoryLocation("/backups"))
    assert settings.backup.source == expected
    assert settings.backup.stanza == "main"
    assert settings.backup.policy is Policy.WARN
    assert settings.backup.s3_endpoint == "http://s3:9000"


def test_flyway_settings_reach_the_engine() -> None:
    """The variables of a Flyway job mean here what they mean there."""
    migrations = load(
        {
            "FLYWAY_BASELINE_ON_MIGRATE": "true",
            "FLYWAY_BASELINE_VERSION": "0",
            "FLYWAY_OUT_OF_ORDER": "false",
            "FLYWAY_SCHEMAS": "app, audit",
            "FLYWAY_SQL_MIGRATION_SUFFIXES": ".sql,.pgsql",
            "FLYWAY_PLACEHOLDERS_APP_ROLE": "shop",
            "FLYWAY_PLACEHOLDERS_EMPTY": "",
            "FLYWAY_ENCODING": "ISO-8859-1",
            "FLYWAY_CALLBACK_LOCATIONS": "filesystem:/hooks,more",
            "FLYWAY_SKIP_DEFAULT_CALLBACKS": "true",
        }
    ).migrations
    assert migrations.baseline.on_migrate
    assert not migrations.baseline.is_allowed
    assert migrations.baseline.version.text == "0"
    assert migrations.history.schemas == ("app", "audit")
    assert migrations.sources.naming.suffixes == (".sql", ".pgsql")
    assert migrations.sources.encoding == "iso8859-1"
    assert migrations.sources.callback_locations == ("filesystem:/hooks", "more")
    assert migrations.sources.skips_callbacks
    assert migrations.placeholders.values == {"app_role": "shop", "empty": ""}


def test_placeholders_come_from_all_sources(tmp_path: Path) -> None:
    """Flags beat variables beat the file, name by name and without regard to case."""
    file = tmp_path / "presync.toml"
    file.write_text("[placeholders]\nA = 'file'\nB = 'file'\nC = 'file'\n")
    environment = {"FLYWAY_PLACEHOLDERS_B": "env", "FLYWAY_PLACEHOLDERS_C": "env"}
    inputs = Inputs({"config": str(file)}, environment, ("C=flag=1",))
    migrations = load_settings(inputs, Need.NO_DATABASE).migrations
    assert migrations.placeholders.values == {"a": "file", "b": "env", "c": "flag=1"}


@pytest.mark.parametrize("text", ["=x", "flyway:table=x"])
def test_reserved_placeholder_is_refused(text: str) -> None:
    """Built-in placeholders cannot be redefined."""
    with pytest.raises(BadFlags, match="is no name for a placeholder"):
        load_settings(Inputs({}, {}, (text,)), Need.NO_DATABASE)


def test_reserved_placeholders_have_the_separator_in_their_names() -> None:
    """Only so could they be built in, as with Flyway; the separator is a setting."""
    environment = {"FLYWAY_PLACEHOLDERS_FLYWAY_ROLE": "shop", "FLYWAY_PLACEHOLDERS_FLYWAYENV": "a"}
    values = load_settings(Inputs({}, environment), Need.NO_DATABASE).migrations.placeholders.values
    assert values == {"flyway_role": "shop", "flywayenv": "a"}
    environment["FLYWAY_PLACEHOLDER_SEPARATOR"] = "_"
    with pytest.raises(ConfigError, match="FLYWAY_PLACEHOLDERS_FLYWAY_ROLE is no name"):
        load_settings(Inputs({}, environment), Need.NO_DATABASE)


def test_harmless_variables_of_flyway_are_noted() -> None:
    """What is ignored is told once, with the reason."""
    notes = load({"FLYWAY_CLEAN_DISABLED": "true"}).provenance.notes
    assert notes == (
        "FLYWAY_CLEAN_DISABLED makes no difference: it guards clean, which is refused by name",
    )


def test_secrets_of_every_source_are_known(tmp_path: Path) -> None:
    """Also those of a source that lost, of S3 and of a placeholder from the file."""
    file = tmp_path / "presync.toml"
    file.write_text("[placeholders]\napi_token = 'token in file'\n")
    settings = load(
        HOST
        | {
            "PRESYNC_CONFIG": str(file),
            "POSTGRES_PASSWORD": "pg pass",
            "DATABASE_URL": "postgresql://u:url%20pass@db/shop",
            "AWS_SECRET_ACCESS_KEY": "aws secret",
            "FLYWAY_PLACEHOLDERS_ROLE_PASSWORD": "role pass",
        },
        need=Need.DATABASE,
    )
    expected = {"pg pass", "url pass", "url%20pass", "aws secret", "role pass", "token in file"}
    assert set(settings.provenance.secrets) == expected
    assert settings.provenance.public == ("u", "db", "shop")
