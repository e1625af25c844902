"""The no-miss test, and feeds of other libraries for comparison. This file knows nothing of the service.

Several writers append one event at a time, and one follower polls for events after its last position, like every reader
of a feed. An acknowledged event that the follower never reads is counted as lost, although the database has it.

    PYTHON tests/benchmarks/feeds.py NAME DATABASE WRITERS EACH

tests the feed of one library, with the Python that has the library, and prints the result as JSON.
"""

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import import_module
from threading import Event, local
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import psycopg

_PAGE: Final = 100
_SLOW: Final = """
CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF random() < 0.1 THEN
    PERFORM pg_sleep(0.02);
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION be_slow()
"""
"""Every tenth commit takes 20 ms longer for all feeds, as on a busy disk or with a synchronous replica."""


class Feed(NamedTuple):
    """A feed under test. `append` returns after the commit. `after` returns (position, name) in order."""

    append: Callable[[str], object]
    after: Callable[[int], list[tuple[int, str]]]


class Missed(NamedTuple):
    """How many of `of` acknowledged events the follower never saw, and how many it saw more than once."""

    of: int
    lost: int
    doubled: int


def missed(feed: Feed, writers: int, each: int) -> Missed:
    written = Event()
    with ThreadPoolExecutor(writers + 1) as pool:
        following = pool.submit(_follow, feed, written)
        writing = [pool.submit(_write, feed, each) for _ in range(writers)]
        try:
            acknowledged = {name for written in writing for name in written.result()}
        finally:
            written.set()
        seen = [name for name in following.result() if name in acknowledged]
    return Missed(len(acknowledged), len(acknowledged - set(seen)), len(seen) - len(set(seen)))


def _write(feed: Feed, events: int) -> list[str]:
    names = [str(uuid4()) for _ in range(events)]
    for name in names:
        feed.append(name)
    return names


def _follow(feed: Feed, written: Event) -> list[str]:
    """Poll until all events are written and no more arrive."""
    seen: list[str] = []
    position = 0
    while True:
        is_end = written.is_set()
        if page := feed.after(position):
            position = page[-1][0]
            seen += [name for _, name in page]
        elif is_end:
            return seen


def slow_commits(database: str, table: str) -> None:
    with psycopg.connect(database) as c:
        c.execute(_SLOW.format(table))


@contextmanager
def naive(database: str, *, is_slow: bool) -> Iterator[Feed]:
    """The obvious feed: the database numbers the rows, and the reader asks for higher numbers."""
    with ExitStack() as stack:
        mine = local()

        def connected() -> psycopg.Connection[Any]:
            if not hasattr(mine, "connection"):
                mine.connection = stack.enter_context(psycopg.connect(database, autocommit=True))
            return mine.connection  # type: ignore[no-any-return]

        def append(name: str) -> None:
            connected().execute("INSERT INTO feed (name) VALUES (%s)", [name], prepare=True)

        def after(position: int) -> list[tuple[int, str]]:
            query = "SELECT id, name FROM feed WHERE id > %s ORDER BY id LIMIT %s"
            return connected().execute(query, [position, _PAGE], prepare=True).fetchall()

        connected().execute("CREATE TABLE feed (id bigserial PRIMARY KEY, name text NOT NULL)")
        if is_slow:
            slow_commits(database, "feed")
        yield Feed(append, after)


@contextmanager
def eventsourcing(database: str, *, is_slow: bool, functions: bool) -> Iterator[Feed]:
    """The library eventsourcing with its own recorder, for inserts and for the selection of notifications."""
    persistence: Any = import_module(
        "eventsourcing.persistence"
    )  # imported on demand, because our own Python does not have it
    utils: Any = import_module("eventsourcing.utils")
    parts = urlsplit(database)
    settings = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": parse_qs(parts.query).get("host", [parts.hostname])[0],
        "POSTGRES_PORT": parse_qs(parts.query).get("port", [str(parts.port or 5432)])[0],
        "POSTGRES_USER": parts.username or "postgres",
        "POSTGRES_PASSWORD": parts.password or "none",
        "POSTGRES_POOL_SIZE": "20",
        "POSTGRES_ENABLE_DB_FUNCTIONS": "yes" if functions else "no",
    }
    factory = persistence.InfrastructureFactory.construct(utils.Environment(name="feed", env=settings))
    recorder = factory.application_recorder()
    if is_slow:
        slow_commits(database, recorder.events_table_name)

    def after(position: int) -> list[tuple[int, str]]:
        found = recorder.select_notifications(start=position, limit=_PAGE, inclusive_of_start=False)
        return [(notification.id, str(notification.originator_id)) for notification in found]

    try:
        yield Feed(
            lambda name: recorder.insert_events(
                [persistence.StoredEvent(originator_id=name, originator_version=1, topic="t", state=b"{}")]
            ),
            after,
        )
    finally:
        factory.close()


def main(name: str, database: str, writers: str, each: str, *slow: str) -> None:
    feed = eventsourcing(database, is_slow=bool(slow), functions=name.endswith("functions"))
    with feed as opened:
        print(json.dumps(missed(opened, int(writers), int(each))._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
