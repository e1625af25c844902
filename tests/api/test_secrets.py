"""Search everything that the service sends, logs, counts and stores for planted secrets.

Planted are an API key, sent correctly and in every wrong way, a session, the database's password, and the signing key.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psycopg
from psycopg.sql import SQL, Identifier, Literal

from service.checkpoint import keyfile
from tests.api.bodies import FLIGHTS, on, report
from tests.api.conftest import MakeKey
from tests.api.serving import served

PASSWORD = "hush-7f3a9c51e0"
JSON = {"Content-Type": "application/json"}
PATHS = ("", "/v1/irritants/ru-us", "/irritants/ru-us", "/v1/reports", "/reports", "/sources", "/problems", "/static")
TABLES = ("events", "reports", "read_models", "keys", "head")


@contextmanager
def with_password(url: str) -> Iterator[str]:
    """Yield the address of the same database for a role with the password."""
    parts = urlsplit(url)
    role = f"{parts.path.removeprefix('/')}_secretive"
    with psycopg.connect(url, autocommit=True) as c:
        c.execute(SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(Identifier(role), Literal(PASSWORD)))
        yield parts._replace(netloc=f"{role}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}").geturl()
        c.execute(SQL("DROP ROLE {}").format(Identifier(role)))


def stored(url: str) -> str:
    with psycopg.connect(url) as c:
        return "\n".join(str(row) for table in TABLES for row in c.execute(f"SELECT to_jsonb(t) FROM {table} t"))


OWN_FORM = {"Sec-Fetch-Site": "same-origin"}


def asked(client: httpx2.Client, token: str) -> list[httpx2.Response]:
    """Send requests that use a key correctly and wrongly in many ways."""
    shown = {"Authorization": f"Bearer {token}"}
    filed = report(on(FLIGHTS, "ConcernRaised"))
    wrong: list[dict[str, str]] = [
        {"Authorization": token},
        {"Authorization": f"Bearer {token}x"},
        {"Authorization": f"Basic {b64encode(token.encode()).decode()}"},
        {"Cookie": f"irritants={token}"},
        {"If-None-Match": token},
        {"Prefer": token},
        {"X-Request-Id": token},
        {"User-Agent": token},
        {"Referer": f"http://irritants.example/?key={token}"},
        {"Last-Event-ID": token},
        {"Accept": token},
        {token: token},
    ]
    mistaken = {
        "relation": "ru-us",
        "title": "T",
        token: token,
        "events": [{"type": token}, {**filed["events"][0], "stream": token}],
    }
    return [
        client.get("/v1/irritants", headers=shown),
        client.get("/v1/nothing", headers=shown),
        client.get("/v1/irritants?relation=nowhere", headers=shown),
        client.get("/v1/events/live?after=99999999", headers=shown),
        client.post("/v1/reports", json=filed, headers={**shown, "Idempotency-Key": "one", "X-Request-Id": token}),
        client.post(
            "/v1/reports", json=filed, headers={**shown, "Idempotency-Key": "one", "X-Request-Id": f"x-{token}"}
        ),
        client.post("/v1/reports", json=filed, headers={**shown, "Idempotency-Key": token}),
        client.post("/v1/reports", content=b"{", headers={**shown, **JSON, "Idempotency-Key": "two"}),
        client.post("/v1/reports", json={"key": 1}, headers={**shown, "Idempotency-Key": "three"}),
        *(client.get("/v1/irritants", headers=headers) for headers in wrong),
        client.get("/v1/irritants", params={"key": token}),
        client.get("/v1/irritants", params={"relation": token}),
        client.get("/v1/irritants", params={token: "1"}),
        client.get("/", params={token: "1"}, headers={"Accept": "text/html"}),
        client.get("/v1/events", params={"log": token}),
        *(client.get(f"{path}/{token}", headers={"Accept": a}) for path in PATHS for a in ("*/*", "text/html")),
        client.post(f"/{token}", headers=shown),
        client.post("/v1/reports", json=mistaken, headers={**shown, "Idempotency-Key": "four"}),
        client.post("/v1/reports?dry_run=true", content=token, headers={**shown, **JSON}),
        client.post("/sign-in", data={"key": token}, headers=OWN_FORM),
        client.get("/"),
        client.get("/sign-in"),
        client.post("/sign-in", data={"key": f"{token}x"}, headers=OWN_FORM),
        client.post("/sign-in", data={"key": token}),
        client.get("/metrics", headers=shown),
        client.get("/v1/checkpoint", headers=shown),
    ]


def test_no_secret_appears_in_any_output(seeded_database_url: str, make_key: MakeKey, tmp_path: Path) -> None:
    token = make_key("admin")["Authorization"].removeprefix("Bearer ")
    signing = keyfile.read_or_make_key(tmp_path / "checkpoint.key").private_bytes_raw().hex()
    settings: dict[str, Any] = {"checkpoint_key": str(tmp_path / "checkpoint.key")}
    with (
        with_password(seeded_database_url) as url,
        served(url, **settings) as server,
        httpx2.Client(base_url=server.url, headers={"Accept": "*/*"}) as client,
    ):
        answers = asked(client, token)
        assert {answer.status_code for answer in answers} >= {200, 201, 303, 400, 401, 404, 410, 422}
        session = client.cookies["irritants"]
        at_rest = stored(seeded_database_url)
        with psycopg.connect(seeded_database_url) as c:
            signing_sessions = c.execute("SELECT session_secret FROM head").fetchall()[0][0]
        with psycopg.connect(seeded_database_url, autocommit=True) as c:
            c.execute("ALTER TABLE read_models RENAME TO away")
            c.execute("ALTER TABLE events RENAME TO gone")
        answers += [
            failed := client.get("/v1/irritants/ru-us/visas/events", headers={"Authorization": f"Bearer {token}"})
        ]
        assert failed.status_code in (500, 503)
        log = str(server.log())
    assert failed.status_code == 503 or "Traceback" in log
    secret = token.split("_", 2)[2]
    cookies = [answer.headers.pop("set-cookie", "") for answer in answers]
    assert sum(session in cookie for cookie in cookies) == 1
    said = "\n".join(f"{answer.headers}\n{answer.text}" for answer in answers)
    assert signing_sessions.hex() not in said + log
    for hidden in (secret, session, PASSWORD, signing):
        for where, text in {"said": said, "logged": log, "stored": at_rest}.items():
            # The name of a parameter in which a client sent a key may be returned, but not its value.
            assert hidden not in text, where
