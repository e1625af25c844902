"""The pages on a real database, with a client that keeps cookies as a browser does."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
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

LOOPBACK = "http://127.0.0.1:8000"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Site": "same-origin"}
NewKey = Callable[..., str]
SignIn = Callable[..., TestClient]


class Clock:
    """A clock that tests advance."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture(scope="session")
def reading(shared_database_url: str) -> Iterator[TestClient]:
    """Yield a browser without a session on a shared seeded record, for tests that only read."""
    with browsing(site(shared_database_url, Clock())) as client:
        yield client


@pytest.fixture
def engine(seeded_database_url: str) -> Iterator[Engine]:
    engine = open_engine(seeded_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def new_key(engine: Engine) -> NewKey:
    """Return a function that creates an API key and returns its token."""
    return partial(key_on, engine)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def site(database_url: str, clock: Clock, **settings: Any) -> FastAPI:
    app = create_app(Settings(database_url=database_url, **settings), clock=clock)
    add_pages(app)
    return app


@pytest.fixture
def browser(seeded_database_url: str, clock: Clock) -> Iterator[TestClient]:
    """Yield a browser without a session on the seeded record, where reading is open."""
    with browsing(site(seeded_database_url, clock)) as client:
        yield client


@pytest.fixture
def closed(seeded_database_url: str, clock: Clock) -> Iterator[TestClient]:
    """Yield a browser without a session on the seeded record, where reading needs a key."""
    with browsing(site(seeded_database_url, clock, read_access="key")) as client:
        yield client


def browsing(app: FastAPI, address: str = LOOPBACK) -> TestClient:
    return TestClient(app, address, headers=BROWSER, follow_redirects=False, raise_server_exceptions=False)


def sign_in(browser: TestClient, key: str, next: str = "/") -> Any:
    return browser.post("/sign-in", data={"key": key, "next": next})


def sign_out(browser: TestClient, **headers: str) -> Any:
    """Sign out. A browser sends the content type of a form even if the form has no fields."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return browser.post("/sign-out", content=b"", headers={**form, **headers})


@pytest.fixture
def desk(browser: TestClient, new_key: NewKey) -> TestClient:
    """Return a browser that is signed in with a key that may report."""
    assert sign_in(browser, new_key()).status_code == 303
    return browser
