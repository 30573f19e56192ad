"""The callbacks of a release as a set."""

from __future__ import annotations

from hook.core.scripts.callback import Callback
from hook.core.scripts.callback_set import (
    find_duplicates,
    note_elsewhere,
    note_never_run,
    note_skipped,
    order_callbacks,
)
from hook.core.scripts.migration_set import build_set
from tests.testbed.release import migration


def callback(name: str, path: str = "", content_hash: str = "") -> Callback:
    """Return the callback that a file *name* would be."""
    event, _, description = name.partition("__")
    return Callback(event, description, f"{name}.sql", path or f"/sql/{name}.sql", content_hash)


def test_callbacks_of_one_event_run_by_description() -> None:
    """As Java compares strings: by UTF-16 units, none first, digits as text."""
    names = ["beforeMigrate__b", "beforeMigrate__9", "beforeMigrate", "beforeMigrate__10",
             "beforeMigrate__B", "beforeMigrate__\ue000", "beforeMigrate__😀"]  # fmt: skip
    ordered = order_callbacks(map(callback, names))
    assert [item.description for item in ordered] == ["", "10", "9", "B", "b", "😀", "\ue000"]


def test_callbacks_of_two_events_may_have_one_description() -> None:
    """None at all, for example."""
    names = ["afterMigrate", "beforeMigrate", "afterMigrate__x", "beforeMigrate__x"]
    assert len(order_callbacks(map(callback, names))) == len(names)


def test_same_callback_twice_is_refused_with_both_files() -> None:
    """Flyway refuses it even if the files are the same."""
    twice = [callback("afterMigrate", "/y/afterMigrate.sql"), callback("afterMigrate", "/x/a.sql")]
    (problem,) = find_duplicates(twice)
    assert problem.text == "/x/a.sql and /y/afterMigrate.sql are the same callback"


def test_notes_name_what_will_not_run() -> None:
    """Each with its reason; none without a callback."""
    ((rule, text),) = note_never_run([callback("afterClean"), callback("afterMigrate")])
    assert rule == "callback-never-run"
    assert text == "afterClean.sql is never run: there is no command clean"
    assert note_skipped([]) == ()
    ((_, skipped),) = note_skipped(["b.sql", "a.sql"])
    assert skipped == "not run, as FLYWAY_SKIP_DEFAULT_CALLBACKS is true: a.sql, b.sql"
    ((_, elsewhere),) = note_elsewhere(["a.sql"])
    assert elsewhere == "not run, as FLYWAY_CALLBACK_LOCATIONS names other folders: a.sql"


def test_digest_changes_with_each_callback() -> None:
    """Content, configuration and presence; a release without callbacks keeps its digest."""
    one = [migration("V1__a.sql")]
    plain = callback("afterMigrate", content_hash="1")
    variants = [
        (),
        (plain,),
        (plain._replace(content_hash="2"),),
        (plain._replace(in_transaction=False),),
        (plain._replace(event="beforeMigrate"),),
        (plain, callback("beforeMigrate")),
    ]
    assert len({build_set(one, (), callbacks).digest for callbacks in variants}) == len(variants)
    assert build_set(one).digest == build_set(one, (), ()).digest
