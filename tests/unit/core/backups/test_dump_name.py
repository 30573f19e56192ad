"""What names and sizes of dumps tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hook.core.backups.dump_name import (
    judge_size,
    latest_start,
    names_database,
    parse_start,
    series_of,
)

MOMENT = datetime(2026, 11, 29, 14, 8, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "shop-20261129T140821Z.dump",
        "2026/11/29/shop_2026-11-29_14-08-21Z.sql.gz",
        "shop-2026-11-29T14:08:21+00:00.dump",
        "20250101T000000Z/shop-20261129140821Z.dump",
    ],
)
def test_parse_start_reads_a_time_in_utc(name: str) -> None:
    """The last one in the path, however it is written."""
    assert parse_start(name) == MOMENT


@pytest.mark.parametrize(
    "name",
    [
        "shop-20261129T140821.dump",
        "shop-20261129T140821+02:00.dump",
        "shop-20261399T999999Z.dump",
        "shop-20261129.dump",
        "latest.dump",
    ],
)
def test_parse_start_takes_no_time_without_utc(name: str) -> None:
    """Half a day off is no time to count from."""
    assert parse_start(name) is None


def test_latest_start_is_bounded_by_the_header() -> None:
    """A copy of an old dump is no younger for its new name."""
    hour = timedelta(hours=1)
    old = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - as pg_dump writes it
    assert latest_start(None, MOMENT, None) == MOMENT
    assert latest_start(MOMENT - hour, MOMENT, None) == MOMENT - hour
    assert latest_start(MOMENT, MOMENT, old) == datetime(2026, 11, 21, tzinfo=UTC)
    assert latest_start(MOMENT, MOMENT, MOMENT.replace(tzinfo=None)) == MOMENT


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("s3://dumps/shop/x.dump", True),
        ("/dumps/shop-1.dump", True),
        ("/dumps/shop_crm.dump", True),
        ("/dumps/workshop.dump", False),
        ("/dumps/my_shop.dump", False),
        ("/dumps/shop2.dump", False),
    ],
)
def test_names_database_wants_a_word(path: str, found: bool) -> None:  # noqa: FBT001 - what is expected
    """Part of a longer name is another name."""
    assert names_database(path, "shop") is found


@pytest.mark.parametrize(
    ("size", "older", "problem"),
    [
        (0, [], "is empty"),
        (1, [], ""),
        (50, [100, 90, 110], ""),
        (49, [100, 90, 110], "has 49 bytes, less than half of what the dumps before it have"),
        (100, [100] * 5 + [9000] * 9, ""),
    ],
)
def test_judge_size_compares_with_the_dumps_before(
    size: int, older: list[int], problem: str
) -> None:
    """Half of the median of the last five."""
    assert judge_size(size, older).startswith(problem)
    assert bool(problem) == bool(judge_size(size, older))


def test_series_is_the_name_without_its_numbers() -> None:
    """Dumps of one schedule differ by their time only."""
    assert series_of("shop-20261129T140821Z.dump") == series_of("shop-20261128T140822Z.dump")
    assert series_of("shop-1.dump") != series_of("crm-1.dump")
