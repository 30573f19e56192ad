"""A release as one set: order, duplicates and digest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hook.core.scripts.migration_set import build_set, find_duplicates, rejected_set
from hook.core.scripts.problem import Problem
from tests.testbed.release import migration

NAMES = ["V1__a.sql", "V1.5__b.sql", "B2__c.sql", "V2__c.sql", "sub/V10__d.sql", "R__A.sql"]


def scripts(*names: str) -> list[str]:
    """Return *names* in running order."""
    return [item.script for item in build_set(map(migration, names)).migrations]


def test_set_runs_versions_first_and_repeatables_by_description() -> None:
    """Versions by number; repeatables as Java compares strings, upper case first."""
    names = ["R__b.sql", "V10__x.sql", "R__Z.sql", "V9__x.sql", "R__a.sql", "V1.10__x.sql"]
    expected = ["V1.10__x.sql", "V9__x.sql", "V10__x.sql", "R__Z.sql", "R__a.sql", "R__b.sql"]
    assert scripts(*names) == expected


def test_set_orders_repeatables_by_utf_16_units() -> None:
    """An emoji comes before a private-use letter in Java, after it by code point."""
    names = ["R__\ue000.sql", "R__😀.sql"]
    assert scripts(*names) == ["R__😀.sql", "R__\ue000.sql"]


def test_set_allows_a_version_and_its_baseline() -> None:
    """B2 stands for what V2 and older ones do; both may be there."""
    assert scripts("B2__x.sql", "V2__x.sql") == ["V2__x.sql", "B2__x.sql"]


def test_set_refuses_duplicates_and_names_all_of_them() -> None:
    """Versions are compared as numbers, repeatables by description."""
    names = ("V1__a.sql", "V1.0__b.sql", "V2__a.sql", "x/V2__a.sql", "R__v.sql", "x/R__v.sql")
    assert [item.text for item in find_duplicates(map(migration, names))] == [
        "/release/V1.0__b.sql and /release/V1__a.sql both are version 1.0",
        "/release/R__v.sql and /release/x/R__v.sql both are repeatable 'v'",
        "/release/V2__a.sql and /release/x/V2__a.sql both are version 2",
    ]


def test_duplicates_are_told_what_to_change() -> None:
    """A repeatable has no version to change."""
    names = ("V1__a.sql", "V1.0__b.sql", "R__v.sql", "x/R__v.sql")
    assert [item.hint for item in find_duplicates(map(migration, names))] == [
        "Give each of the files a version of its own.",
        "Give each of the files a description of its own.",
    ]


def test_set_takes_a_copy_in_another_location_once() -> None:
    """Only an identical file under the same name is a copy."""
    one = migration("V1__a.sql")
    copy = one._replace(location="/other", path="/other/V1__a.sql")
    assert not find_duplicates([one, copy])
    assert len(build_set([one, copy]).migrations) == 1
    assert find_duplicates([one, copy._replace(content_hash="2")])


def test_rejected_set_is_what_could_be_read_in_running_order() -> None:
    """Both of two that claim one version, for whoever looks for more that is wrong."""
    problems = [Problem("b", "x"), Problem("a", "x")]
    read = map(migration, ["R__v.sql", "V1__b.sql", "U1__a.sql", "V1.0__a.sql"])
    found = rejected_set(read, (), problems, ["d", "c"])
    assert [item.script for item in found.migrations] == ["V1.0__a.sql", "V1__b.sql", "R__v.sql"]
    assert ([item.text for item in found.problems], found.unsupported) == (["a", "b"], ("c", "d"))


def test_set_keeps_undo_scripts_apart() -> None:
    """They are known and never among what is run."""
    found = build_set(map(migration, ["V1__a.sql", "U1__a.sql"]), ["b", "a"])
    assert [item.script for item in found.migrations] == ["V1__a.sql"]
    assert [item.script for item in found.undo] == ["U1__a.sql"]
    assert found.ignored == ("a", "b")


def test_set_knows_its_newest_version() -> None:
    """Repeatables have none."""
    assert str(build_set(map(migration, NAMES)).newest) == "10"
    assert build_set([migration("R__x.sql")]).newest is None


@given(st.permutations(NAMES), st.text(min_size=1))
def test_digest_depends_on_content_alone(names: list[str], folder: str) -> None:
    """Neither the order in which files are found nor the folder they are in counts."""
    found = [migration(name)._replace(path=f"{folder}/{name}", location=folder) for name in names]
    assert build_set(found).digest == build_set(map(migration, NAMES)).digest


def test_digest_changes_with_every_byte_and_name() -> None:
    """An attestation of one set must not pass for another."""
    original = list(map(migration, NAMES))
    variants = [
        original[1:],
        [original[0]._replace(content_hash="2"), *original[1:]],
        [original[0]._replace(description="b"), *original[1:]],
        [original[0]._replace(script="x/V1__a.sql"), *original[1:]],
        [original[0]._replace(in_transaction=False), *original[1:]],
        [*original, migration("U1__a.sql")],
    ]
    digests = {build_set(variant).digest for variant in [original, *variants]}
    assert len(digests) == len(variants) + 1
    assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in digests)


def test_digest_without_what_is_pending_is_that_of_the_release_before() -> None:
    """However what came with this release is ordered among the rest."""
    before = [migration(name) for name in ("V1__a.sql", "U1__a.sql", "R__b.sql", "V3__c.sql")]
    new = [migration(name) for name in ("V2__x.sql", "U2__x.sql", "R__a.sql")]
    release = build_set([*new, *before])
    pending = [item for item in release.migrations if item in new]
    assert release.digest_without(pending) == build_set(before).digest
    assert release.digest_without(pending[1:]) != build_set(before).digest
    assert release.digest_without([]) == release.digest
