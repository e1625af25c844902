"""API keys for tests."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from service.store import keys
from service.store.engine import open_engine, transaction
from service.store.keys import Scope


def key_on(engine: Engine, *scopes: Scope, name: str = "desk", **more: Any) -> str:
    """Create a key, by default one that may report, and return its token."""
    with transaction(engine) as c:
        return keys.create(c, name, scopes or ("report",), datetime.now(UTC), **more)[1]


def new_key(url: str, *scopes: Scope, name: str = "desk", **more: Any) -> str:
    """Create the same on the record at an address."""
    engine = open_engine(url)
    try:
        return key_on(engine, *scopes, name=name, **more)
    finally:
        engine.dispose()
