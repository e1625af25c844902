"""Simulate a failover: two databases of one server exchange names, so the address leads to another copy."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier


@contextmanager
def admin(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection to another database of the same server."""
    with psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True) as c:
        yield c


def name_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def failed_over(url: str, copy: str) -> Iterator[None]:
    """Close all connections to both databases. From now on the address leads to the copy."""
    here, there = name_of(url), name_of(copy)
    with admin(url) as c:
        _exchange(c, here, there)
        yield
        _exchange(c, here, there)


def _exchange(c: psycopg.Connection[Any], here: str, there: str) -> None:
    aside = f"{here}_aside"
    for name in (here, there):
        c.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(name)))
        c.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
    for name, new in ((here, aside), (there, here), (aside, there)):
        c.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(name), Identifier(new)))
    for name in (here, there):
        c.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(Identifier(name)))
