"""Settings from everything the process was started with; all problems are told at once."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from hook.core.reporting.override import Override
from hook.errors import BadFlags, ConfigError
from hook.settings import (
    ArchiveSettings,
    BackupSettings,
    BlockerSettings,
    DatabaseSettings,
    MarkerSettings,
    Provenance,
    RunSettings,
    Settings,
)
from hook.settings import flyway_specification as flyway
from hook.settings import marker_specification as marker
from hook.settings import output_specification as output
from hook.settings import override_specification as override
from hook.settings import specification as spec
from hook.settings import trigger_specification as trigger_settings
from hook.settings import watch_specification as watch
from hook.settings.database import SOURCES, Connection, resolve_connection, unexpanded_sources
from hook.settings.durations import parse_duration
from hook.settings.load_migrations import build_migrations, judge_prefixes, judge_tables
from hook.settings.load_output import build_output
from hook.settings.mounted_file import read_regular
from hook.settings.names import judge_flyway_files, judge_names, note_harmless
from hook.settings.secrets import find_secrets, is_secret_name
from hook.settings.setting import Origin, Problem, Setting
from hook.settings.sources import Inputs, Values, read_values

# Nothing replays what came after a dump: its age is what a restore loses.
_MAX_AGE_OF_DUMP = "1h"
_CORRECT = "Correct it, or leave it out."


class Need(Enum):
    """What a command needs of the database."""

    DATABASE = "a database"
    ANY_DATABASE = "a database if one is configured"
    NO_DATABASE = "no database"


def load_settings(inputs: Inputs, need: Need) -> Settings:
    """Return the settings for a command with *need*.

    Raises:
        ConfigError: Everything that is wrong, each problem naming its setting.
        BadFlags: The same, when nothing but flags is wrong.
    """
    values, found = read_values(inputs)
    password, unreadable = _read_secret(values, spec.PASSWORD_FILE)
    cipher_pass, no_passphrase = _read_secret(values, spec.BACKUP_CIPHER_PASS_FILE)
    cipher_pass = cipher_pass or values.of(spec.BACKUP_CIPHER_PASS)
    connection, problems = _connect(values, password, inputs, need)
    _raise_all(
        [
            *judge_names(inputs.environment),
            *judge_flyway_files(values.flyway.variables),
            *found,
            *_judge_together(values),
            *unreadable,
            *no_passphrase,
            *problems,
        ]
    )
    values = _with_max_age(_with_flyway_waits(values))
    return Settings(
        database=_build_database(values, connection),
        migrations=build_migrations(values),
        run=RunSettings(
            deadline=values.of(spec.DEADLINE),
            lock_wait=values.of(spec.LOCK_WAIT),
            lock_ladder=values.of(spec.LOCK_LADDER),
            statement_timeout=values.of(spec.STATEMENT_TIMEOUT),
            failure_memory=values.of(spec.FAILURE_MEMORY),
            damage_budget=values.of(watch.DAMAGE_BUDGET),
        ),
        backup=_build_backup(values, cipher_pass),
        archive=ArchiveSettings(
            policy=values.of(spec.ARCHIVE_POLICY),
            max_lag=values.of(spec.ARCHIVE_MAX_LAG),
        ),
        blockers=_build_blockers(values),
        output=build_output(values),
        marker=MarkerSettings(
            policy=values.of(marker.MARKER_POLICY), wait=values.of(marker.MARKER_WAIT)
        ),
        overrides=_build_overrides(values),
        provenance=_build_provenance(values, connection, (password, cipher_pass), inputs),
    )


def _with_flyway_waits(values: Values) -> Values:
    if values.of(flyway.CONNECT_RETRIES) is None and values.of(flyway.LOCK_RETRY_COUNT) is None:
        return values
    from hook.settings.flyway_waits import with_flyway_waits  # noqa: PLC0415 - often unset

    return with_flyway_waits(values)


def _with_max_age(values: Values) -> Values:
    """Return *values* with the default that a dump has, if there is one and nobody said another."""
    source = values.of(spec.BACKUP_SOURCE)
    given = values.given[spec.BACKUP_MAX_AGE.name]
    if given.origin is not Origin.DEFAULT or source is None or source.system != "dump":
        return values
    default = given._replace(text=_MAX_AGE_OF_DUMP)
    return values.replaced(spec.BACKUP_MAX_AGE, parse_duration(_MAX_AGE_OF_DUMP), default)


def _connect(
    values: Values, password: str | None, inputs: Inputs, need: Need
) -> tuple[Connection, list[Problem]]:
    if need is Need.NO_DATABASE:
        return Connection(), []
    url = values.given.get(spec.URL.name)
    files = values.flyway.variables
    connection = resolve_connection(url, password, inputs.environment, files)
    problems = [*unexpanded_sources(inputs.environment), *connection.problems]
    is_missing = connection.target is None and need is Need.DATABASE
    if is_missing and not problems and url is None:
        missing = "no database is configured, by PRESYNC_URL or otherwise"
        problems.append(Problem(missing, hint=f"Set one of {SOURCES}."))
    return connection, problems


def _read_secret(values: Values, setting: Setting[str | None]) -> tuple[str | None, list[Problem]]:
    """Return what stands in the file that *setting* names, none when it names none."""
    path = values.of(setting)
    if path is None:
        return None, []
    label = values.given[setting.name].label
    try:
        text = read_regular(path).decode("utf-8")
    except OSError as error:
        reason = (error.strerror or "not readable").lower()
        hint = "Mount the file, or correct its path."
        return None, [Problem(f"{label}: {path}: {reason}", hint=hint)]
    except UnicodeDecodeError:
        return None, [Problem(f"{label}: {path} is not UTF-8")]
    # Editors and `kubectl create secret --from-file` leave a newline at the end.
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        hint = f"Put it there, or leave {label} out."
        return None, [Problem(f"{label}: {path} is empty", hint=hint)]
    return secret, []


def _judge_together(values: Values) -> Iterator[Problem]:
    """Yield problems that no setting has on its own."""
    url = values.given.get(spec.URL.name)
    if url is not None and url.origin is Origin.FLAG and find_secrets({}, [url.text]):
        yield Problem(
            "--url holds a password, which every process of the machine can read",
            Origin.FLAG,
            "Set PRESYNC_URL instead, or give the password by PRESYNC_PASSWORD_FILE.",
        )
    passphrase = values.given.get(spec.BACKUP_CIPHER_PASS.name)
    if passphrase is not None and passphrase.origin is Origin.FLAG:
        yield Problem(
            "--backup-cipher-pass is a secret, and every process of the machine can read flags",
            Origin.FLAG,
            "Set PRESYNC_BACKUP_CIPHER_PASS or PRESYNC_BACKUP_CIPHER_PASS_FILE instead.",
        )
    if values.of(watch.CANCEL_BLOCKERS) and values.of(watch.DAMAGE_BUDGET) is None:
        label = values.given[watch.CANCEL_BLOCKERS.name].label
        yield Problem(
            f"{label} is set and PRESYNC_DAMAGE_BUDGET is off: nobody sees who is in the way",
            hint="Set a budget, such as PRESYNC_DAMAGE_BUDGET=10,20, or cancel nobody.",
        )
    yield from _judge_trigger(values)
    yield from judge_prefixes(values)
    yield from judge_tables(values)
    if values.of(override.OVERRIDE) and not (values.of(override.OVERRIDE_REASON) or "").strip():
        label = values.given[override.OVERRIDE.name].label
        yield Problem(
            f"{label} is set and PRESYNC_OVERRIDE_REASON is not",
            hint="Set PRESYNC_OVERRIDE_REASON to why the gate may be set aside this once.",
        )


def _judge_trigger(values: Values) -> Iterator[Problem]:
    trigger = values.of(trigger_settings.BACKUP_TRIGGER)
    if trigger is None:
        return
    from hook.settings.backup_trigger import TRIGGER_SETTING, judge_trigger  # noqa: PLC0415 - rare

    if reason := judge_trigger(trigger, values.of(spec.BACKUP_SOURCE)):
        hint = f"Set {TRIGGER_SETTING} to what makes a backup that PRESYNC_BACKUP_SOURCE finds."
        yield Problem(f"{TRIGGER_SETTING}: {reason}", hint=hint)


def _raise_all(problems: list[Problem]) -> None:
    if not problems:
        return
    steps = {problem.text: problem.hint for problem in problems if problem.hint}
    texts = tuple(dict.fromkeys(problem.text for problem in problems))
    hints = tuple(steps.get(text, _CORRECT) for text in texts)
    hint = " ".join(dict.fromkeys(hints))
    if all(problem.origin is Origin.FLAG for problem in problems):
        raise BadFlags(texts, hint, hints)
    raise ConfigError(texts, hint, hints)


def _build_database(values: Values, connection: Connection) -> DatabaseSettings:
    return DatabaseSettings(
        target=connection.target,
        source=connection.source,
        wait_timeout=values.of(spec.WAIT_TIMEOUT),
        expect_database=values.of(spec.EXPECT_DATABASE),
        expect_system_id=values.of(spec.EXPECT_SYSTEM_ID),
    )


def _build_blockers(values: Values) -> BlockerSettings:
    cancels = values.of(watch.CANCEL_BLOCKERS)
    return BlockerSettings(
        policy=values.of(watch.BLOCKERS_POLICY),
        max_age=values.of(watch.BLOCKER_MAX_AGE),
        wait=values.of(watch.BLOCKER_WAIT),
        cancels=cancels if cancels is not None else frozenset(),
        shows_queries=values.of(watch.SHOW_BLOCKER_QUERIES),
    )


def _build_backup(values: Values, cipher_pass: str | None) -> BackupSettings:
    return BackupSettings(
        policy=values.of(spec.BACKUP_POLICY),
        source=values.of(spec.BACKUP_SOURCE),
        stanza=values.of(spec.BACKUP_STANZA),
        max_age=values.of(spec.BACKUP_MAX_AGE),
        s3_endpoint=values.of(output.S3_ENDPOINT),
        cipher_pass=cipher_pass,
        trigger=values.of(trigger_settings.BACKUP_TRIGGER),
        trigger_timeout=values.of(trigger_settings.BACKUP_TRIGGER_TIMEOUT),
        timeout=values.of(spec.BACKUP_TIMEOUT),
        repo=values.of(spec.BACKUP_REPO),
    )


def _build_overrides(values: Values) -> tuple[Override, ...]:
    reason = values.of(override.OVERRIDE_REASON) or ""
    until = values.of(override.OVERRIDE_UNTIL)
    return tuple(Override(gate, reason, until) for gate in values.of(override.OVERRIDE) or ())


def _note_idle_override(values: Values) -> Iterator[str]:
    if values.of(override.OVERRIDE):
        return
    for setting in (override.OVERRIDE_REASON, override.OVERRIDE_UNTIL):
        if given := values.given.get(setting.name):
            yield f"{given.label} is ignored: PRESYNC_OVERRIDE is not set"


def _build_provenance(
    values: Values, connection: Connection, read: tuple[str | None, ...], inputs: Inputs
) -> Provenance:
    url = values.given.get(spec.URL.name)
    files = values.flyway.variables
    written = {name: given.text for name, given in files.items()} | dict(inputs.environment)
    init_sql = values.given.get(flyway.INIT_SQL.name)
    if init_sql is not None:
        written[flyway.INIT_SQL.environment[0]] = init_sql.text
    secrets = list(find_secrets(written, [url.text] if url else []))
    secrets += [given.text for name, given in values.placeholders.items() if is_secret_name(name)]
    target = connection.target
    secrets += inputs.arguments.secrets if inputs.arguments is not None else ()
    secrets += [text for text in (*read, target and target.password) if text]
    shown = ("user", "host", "hostaddr", "dbname")
    return Provenance(
        given=values.given,
        placeholders=values.placeholders,
        secrets=tuple(dict.fromkeys(secrets)),
        public=tuple(target.parameters[name] for name in shown if name in target.parameters)
        if target
        else (),
        notes=(
            *note_harmless(inputs.environment),
            *(inputs.arguments.notes if inputs.arguments is not None else ()),
            *values.flyway.notes,
            *values.notes,
            *_note_idle_override(values),
            *connection.notes,
        ),
    )
