"""Replace the record of test mode by a new one. The triggers refuse to change a record, so it gets another database.

Three databases of one server take part. The record and the next one are copies of a template, which has the tables but
no events. At the swap the next database gets the name of the record. So the address stays the same.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, func, insert, select, text, update

from service.store.engine import DatabaseUnavailable, connection, open_engine, transaction
from service.store.tables import head, keys

RECORD: Final = "record"
"""The name of the database with the record of test mode."""
_SECRET_BYTES: Final = 32
_ATTEMPTS: Final = 5
_END_CONNECTIONS: Final = text(
    "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = ANY(:names)"
)


def give_identity(c: Connection) -> None:
    """Give a copy of an empty record its own id, and its own secret for sessions."""
    own = {
        "record": func.gen_random_uuid(),
        "session_secret": secrets.token_bytes(_SECRET_BYTES),
        "keys_version": head.c.keys_version + 1,
    }
    c.execute(update(head).values(own))


@dataclass(frozen=True)
class Databases:
    """The databases of the record at `address`. No process may be connected to the database `template`."""

    address: str
    template: str = "postgres"

    @classmethod
    def on(cls, server: str) -> "Databases":
        """Return the databases on a server of test mode, by the address of any of its databases."""
        return cls(_named(server, RECORD))

    @property
    def next_address(self) -> str:
        return _named(self.address, self._next)

    def create(self) -> None:
        """Create the record without events, if there is none. A reset that was interrupted leaves none."""
        with _admin(self.address) as c:
            if not _exists(c, self._record):
                self._create_next(c)
                _rename(c, self._next, self._record)

    def exists(self) -> bool:
        with _admin(self.address) as c:
            return _exists(c, self._record)

    def create_next(self) -> None:
        """Create the next record, without events."""
        with _admin(self.address) as c:
            self._create_next(c)

    def swap(self) -> None:
        """Put the next record in the place of the present one. It takes over the keys, and the secret for sessions.

        Ends all connections to both.
        """
        self._take_over_keys()
        engine = open_engine(_named(self.address, "postgres"), connections=1)
        try:
            with connection(engine) as c:
                _drop(c, self._former)
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    self._rename_both(engine)
                except DatabaseUnavailable:  # another process has connected meanwhile
                    if attempt == _ATTEMPTS:
                        raise
                else:
                    return
        finally:
            engine.dispose()

    def _rename_both(self, engine: Engine) -> None:
        with connection(engine) as c:
            c.execute(_END_CONNECTIONS, {"names": [self._record, self._next]})
        with transaction(engine) as c:
            _rename(c, self._record, self._former)
            _rename(c, self._next, self._record)

    def drop_former(self) -> None:
        """Remove the record that was replaced."""
        with _admin(self.address) as c:
            _drop(c, self._former)

    def _create_next(self, c: Connection) -> None:
        _drop(c, self._next)
        # The server of test mode does not wait for the disk, so copying files is faster than writing them to the log.
        c.execute(
            text(f"CREATE DATABASE {_quoted(c, self._next)} TEMPLATE {_quoted(c, self.template)} STRATEGY file_copy")
        )
        engine = open_engine(self.next_address, connections=1)
        try:
            with connection(engine) as own:
                give_identity(own)
        finally:
            engine.dispose()

    def _take_over_keys(self) -> None:
        present, following = (open_engine(a, connections=1) for a in (self.address, self.next_address))
        try:
            with connection(present) as c:
                known = [dict(row) for row in c.execute(select(keys)).mappings()]
                secret, version = c.execute(select(head.c.session_secret, head.c.keys_version)).one()
            with transaction(following) as c:
                if known:
                    c.execute(insert(keys), known)
                own = {"session_secret": secret, "keys_version": func.greatest(head.c.keys_version, version) + 1}
                c.execute(update(head).values(own))
        finally:
            present.dispose()
            following.dispose()

    @property
    def _record(self) -> str:
        return urlsplit(self.address).path.removeprefix("/")

    @property
    def _next(self) -> str:
        return f"{self._record}_next"

    @property
    def _former(self) -> str:
        return f"{self._record}_former"


@contextmanager
def _admin(address: str) -> Iterator[Connection]:
    """Yield a connection to the server that is not one to the record."""
    engine = open_engine(_named(address, "postgres"), connections=1)
    try:
        with connection(engine) as c:
            yield c
    finally:
        engine.dispose()


def _named(address: str, database: str) -> str:
    return urlsplit(address)._replace(path=f"/{database}").geturl()


def _quoted(c: Connection, name: str) -> str:
    return c.dialect.identifier_preparer.quote_identifier(name)


def _exists(c: Connection, name: str) -> bool:
    return c.execute(text("SELECT FROM pg_database WHERE datname = :name"), {"name": name}).rowcount > 0


def _drop(c: Connection, name: str) -> None:
    c.execute(text(f"DROP DATABASE IF EXISTS {_quoted(c, name)} WITH (FORCE)"))


def _rename(c: Connection, name: str, to: str) -> None:
    c.execute(text(f"ALTER DATABASE {_quoted(c, name)} RENAME TO {_quoted(c, to)}"))
