"""The application on the seeded record, with readers of different clearances."""

import itertools
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
from service.web.site import add_pages
from tests.keys import key_on

VISAS = "irritant/ru-us/visas"
BANKING = "irritant/ru-us/banking-access"
DOCUMENT, ORIGIN = "a1-hasanova", "a1-zakharova"


@pytest.fixture
def engine(seeded_database_url: str) -> Iterator[Engine]:
    engine = open_engine(seeded_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def app(seeded_database_url: str, tmp_path: Path) -> FastAPI:
    app = create_app(Settings(database_url=seeded_database_url, checkpoint_key=tmp_path / "checkpoint.key"))
    add_pages(app)
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Yield a client without a key, which belongs to the open audience."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


Headers = dict[str, str]


@pytest.fixture
def cleared_key(engine: Engine) -> str:
    """Return the key of an operator with clearance for what is restricted."""
    return key_on(engine, "report", name="cleared", clearance="restricted")


@pytest.fixture
def cleared(cleared_key: str) -> Headers:
    return {"Authorization": f"Bearer {cleared_key}"}


@pytest.fixture
def operator(engine: Engine) -> Headers:
    """Return the headers of an operator without a clearance."""
    return {"Authorization": f"Bearer {key_on(engine, 'report', name='operator')}"}


@pytest.fixture
def admin(engine: Engine) -> Headers:
    return {"Authorization": f"Bearer {key_on(engine, 'admin', name='admin')}"}


@pytest.fixture
def file(client: TestClient) -> Callable[..., Any]:
    """Return a function that files a report with these events and returns the response."""
    numbers = itertools.count()

    def filed(headers: Headers, *events: dict[str, Any], **more: Any) -> Any:
        report = {"relation": "ru-us", "title": "A démarche", "events": list(events), **more}
        return client.post("/v1/reports", json=report, headers={**headers, "Idempotency-Key": f"k{next(numbers)}"})

    return filed
