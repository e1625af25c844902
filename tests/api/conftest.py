"""The application on a real database, with a client in the same process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from service.store.engine import open_engine
from service.store.keys import Scope
from tests.keys import key_on

Headers = dict[str, str]
MakeKey = Callable[..., Headers]


@pytest.fixture
def engine(seeded_database_url: str) -> Iterator[Engine]:
    engine = open_engine(seeded_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def make_key(engine: Engine) -> MakeKey:
    """Return a function that creates a key and returns the header with it."""

    def made(*scopes: Scope, **more: Any) -> Headers:
        return {"Authorization": f"Bearer {key_on(engine, *scopes, **more)}"}

    return made


@pytest.fixture
def app(seeded_database_url: str, tmp_path: Path) -> FastAPI:
    return create_app(Settings(database_url=seeded_database_url, checkpoint_key=tmp_path / "checkpoint.key"))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Yield a client without a key, on the seeded record."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def reading(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Yield a client without a key, on a shared seeded record, for tests that only read."""
    signing = tmp_path_factory.mktemp("reading") / "checkpoint.key"
    app = create_app(Settings(database_url=shared_database_url, checkpoint_key=signing))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def desk(app: FastAPI, client: TestClient, make_key: MakeKey) -> TestClient:
    """Return a client with a key that may report."""
    client.headers.update(make_key("report"))
    return client
