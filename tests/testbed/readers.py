"""Clients that read a table all the time, and how long they had to wait."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.testbed.database import Database


@dataclass(slots=True)
class Readers:
    """What clients met that read one after the other.

    Attributes:
        stalls: Seconds of every read.
        errors: What ended a client early.
        begun: The threads of those that have read.
    """

    stalls: list[float] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def longest(self) -> float:
        """Return the seconds of the longest read."""
        return max(self.stalls)

    def read(self, database: Database, query: str) -> None:
        """Run *query* again and again until told to stop."""
        try:
            with database.connect() as connection:
                connection.execute("SET application_name = 'web'")
                while not self.stop.is_set():
                    began = time.monotonic()
                    connection.execute(query.encode())
                    self.stalls.append(time.monotonic() - began)
                    self.begun.add(threading.get_ident())
                    self.stop.wait(0.01)
        except BaseException as error:  # noqa: BLE001 - carried to the test's thread
            self.errors.append(error)


@contextlib.contextmanager
def reading(database: Database, count: int, query: str = "SELECT id FROM t") -> Iterator[Readers]:
    """Let *count* clients read while the block runs; each has read at least once at its start."""
    readers = Readers()
    threads = [
        threading.Thread(target=readers.read, args=(database, query), daemon=True)
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        while len(readers.begun) < count and not readers.errors:
            time.sleep(0.005)
        yield readers
    finally:
        readers.stop.set()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert not readers.errors, readers.errors
