"""Keys for whoever shows one in a test."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from service.store import keys
from service.store.engine import open_engine, transaction
from service.store.keys import Scope


def key_on(engine: Engine, *scopes: Scope, name: str = "desk", **more: Any) -> str:
    """A new key, as its holder shows it; it may report, where nothing else is said."""
    with transaction(engine) as c:
        return keys.create(c, name, scopes or ("report",), datetime.now(UTC), **more)[1]


def new_key(url: str, *scopes: Scope, name: str = "desk", **more: Any) -> str:
    """The same, on the record at an address."""
    engine = open_engine(url)
    try:
        return key_on(engine, *scopes, name=name, **more)
    finally:
        engine.dispose()
