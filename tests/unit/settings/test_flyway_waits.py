"""Flyway's settings that say how long to wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hook.errors import ConfigError
from hook.settings import Settings
from hook.settings.flyway_waits import connect_wait
from hook.settings.load import Need, load_settings
from hook.settings.setting import Given, Origin
from hook.settings.sources import Inputs


def load(*flags: tuple[str, str], **environment: str) -> Settings:
    """Return the settings of a process started like this."""
    return load_settings(Inputs(dict(flags), environment), Need.NO_DATABASE)


def seconds(number: int) -> timedelta:
    """Return so many seconds."""
    return timedelta(seconds=number)


def given(settings: Settings, name: str) -> Given:
    """Return what `presync config` shows of the setting *name*."""
    return settings.provenance.given[name]


@pytest.mark.parametrize(
    ("retries", "longest", "total"),
    [
        (0, 120, 0),
        (1, 120, 1),
        (3, 120, 1 + 2 + 4),
        (7, 120, 127),
        (8, 120, 127 + 120),
        (10, 120, 127 + 3 * 120),
        (4, 3, 1 + 2 + 3 + 3),
        (5, 1, 5),
        (5, 0, 1),
        (2**31 - 1, 120, 127 + (2**31 - 1 - 7) * 120),
    ],
)
def test_connect_wait_is_the_sum_of_flyways_pauses(retries: int, longest: int, total: int) -> None:
    """The first pause is a second; the others double up to the longest."""
    assert connect_wait(retries, longest) == seconds(total)


def test_connect_retries_lengthen_the_wait_and_say_so() -> None:
    """The value in force has Flyway's variable as its origin."""
    settings = load(FLYWAY_CONNECT_RETRIES="10")
    assert settings.database.wait_timeout == seconds(487)
    expected = Given("487s", Origin.ENVIRONMENT, "FLYWAY_CONNECT_RETRIES")
    assert given(settings, "wait_timeout") == expected
    assert settings.provenance.notes == ()


def test_connect_retries_interval_caps_the_pauses() -> None:
    """It has no effect by itself."""
    both = load(FLYWAY_CONNECT_RETRIES="100", FLYWAY_CONNECT_RETRIES_INTERVAL="10")
    assert both.database.wait_timeout == seconds(1 + 2 + 4 + 8 + 96 * 10)
    alone = load(FLYWAY_CONNECT_RETRIES_INTERVAL="10")
    assert alone.database.wait_timeout == seconds(120)


def test_connect_retries_never_shorten_the_default_wait() -> None:
    """Flyway waits for nobody by default, so a number of retries is a wish for more."""
    settings = load(FLYWAY_CONNECT_RETRIES="3")
    assert settings.database.wait_timeout == seconds(120)
    assert given(settings, "wait_timeout").origin is Origin.DEFAULT
    (note,) = settings.provenance.notes
    assert note == (
        "FLYWAY_CONNECT_RETRIES is ignored: it asks for less than the default of"
        " PRESYNC_WAIT_TIMEOUT, 120s"
    )


def test_connect_retries_of_an_environment_count_as_well(tmp_path: Path) -> None:
    """In Flyway's TOML files they belong to the database."""
    file = tmp_path / "flyway.toml"
    file.write_text("[environments.default]\nconnectRetries = 9\nconnectRetriesInterval = 60\n")
    settings = load_settings(Inputs(folders=(str(tmp_path),)), Need.NO_DATABASE)
    assert settings.database.wait_timeout == seconds(1 + 2 + 4 + 8 + 16 + 32 + 3 * 60)
    label = f"{file}: environments.default.connectRetries"
    assert given(settings, "wait_timeout").label == label


@pytest.mark.parametrize("retries", ["3", "10"])
def test_own_wait_goes_before_connect_retries(retries: str) -> None:
    """Both of them set is no contradiction, but is told."""
    settings = load(FLYWAY_CONNECT_RETRIES=retries, PRESYNC_WAIT_TIMEOUT="5s")
    assert settings.database.wait_timeout == seconds(5)
    assert given(settings, "wait_timeout").label == "PRESYNC_WAIT_TIMEOUT"
    assert settings.provenance.notes == (
        "FLYWAY_CONNECT_RETRIES is ignored: PRESYNC_WAIT_TIMEOUT sets the wait",
    )


@pytest.mark.parametrize("count", ["0", "3", "600"])
def test_lock_retry_count_is_the_wait_in_seconds(count: str) -> None:
    """Flyway looks once a second; a team may well want less than its 50."""
    settings = load(FLYWAY_LOCK_RETRY_COUNT=count)
    assert settings.run.lock_wait == seconds(int(count))
    assert given(settings, "lock_wait").label == "FLYWAY_LOCK_RETRY_COUNT"


def test_lock_retries_without_end_last_until_the_deadline() -> None:
    """A gate never waits without bound."""
    settings = load(FLYWAY_LOCK_RETRY_COUNT="-1", PRESYNC_DEADLINE="10m")
    assert settings.run.lock_wait == timedelta(minutes=10)
    assert given(settings, "lock_wait").text == "600s"


def test_own_lock_wait_goes_before_the_retry_count() -> None:
    """A flag is as strong as a variable here."""
    settings = load(("lock_wait", "7s"), FLYWAY_LOCK_RETRY_COUNT="600")
    assert settings.run.lock_wait == seconds(7)
    assert settings.provenance.notes == (
        "FLYWAY_LOCK_RETRY_COUNT is ignored: --lock-wait sets the wait",
    )


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("FLYWAY_CONNECT_RETRIES", "-1"),
        ("FLYWAY_CONNECT_RETRIES", "ten"),
        ("FLYWAY_CONNECT_RETRIES", "1_0"),
        ("FLYWAY_CONNECT_RETRIES", "2147483648"),
        ("FLYWAY_CONNECT_RETRIES_INTERVAL", "10s"),
        ("FLYWAY_LOCK_RETRY_COUNT", "1.5"),
    ],
)
def test_wait_that_is_no_number_is_refused(variable: str, text: str) -> None:
    """Flyway refuses them too."""
    with pytest.raises(ConfigError, match=rf"^{variable}: '{text}' is not a whole number from "):
        load(**{variable: text})
