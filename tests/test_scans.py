"""On a long record, all reads and reports use indexes.

`store/test_plans.py` checks the plan of each query. Here PostgreSQL counts its scans of whole tables, so no statement
can be left out or planned differently. `verify` and `rebuild` read the whole record in batches, and their plans are
checked there.
"""

import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import Engine, text

from service.read_models.rebuild import rebuild
from service.store import archive
from service.store.engine import connection, open_engine, transaction
from tests.api.bodies import on, origin, report, said, source
from tests.api.serving import Served, served, until
from tests.api.test_contract import NEEDED, READS, asking
from tests.benchmarks.keeping import generate
from tests.cli.conftest import irritants
from tests.conftest import Clone
from tests.keys import key_on

pytestmark = pytest.mark.slow

EVENTS = 20_000
LONG = ["events", "reports", "read_models"]
BRIEF = {"reports"}
"""70 pages. For the 140 reports of a page of the export, PostgreSQL 15 can find it cheaper to read all of them than to
look 140 times into the index. `store/test_plans.py` checks that query on a longer table.
"""
WALKS = text("SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname = ANY(:tables)")
OTHERS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
POINTS = ["", "?as_of_position=15000", "?effective_on=2025-01-01", "?limit=5", "?relation=ru-us", "?after=19900"]
PAGES = ["/", "/?relation=ru-us&sort=-claimed", "/?as_of_position=12000", "/changes", "/sources", "/file", "/sign-in"]
SAID = {"source": {"document": "briefing", "paragraphs": [2], "origin": "spokeswoman"}}
SPEAKS = {"asserted_by": {"party": "RU", "channel": "quote"}}
NEW = "irritant/ru-us/moorings"


@pytest.fixture(scope="module")
def long_template(clone: Clone, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a record of twenty thousand events on eighty relations, with all its documents."""
    file = tmp_path_factory.mktemp("long") / "record.jsonl"
    generate(file, EVENTS, each=250)
    with clone(migrated_template) as url:
        engine = open_engine(url, statement_seconds=None)
        with file.open("rb") as lines, transaction(engine) as c:
            archive.import_record(c, lines)
        rebuild(engine)
        with connection(engine) as c:
            c.execute(text("VACUUM ANALYZE"))
        engine.dispose()
        yield urlsplit(url).path[1:]


@pytest.fixture
def database_url(clone: Clone, long_template: str) -> Iterator[str]:
    with clone(long_template) as url:
        yield url


@pytest.fixture
def server(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(database_url, checkpoint_key=str(tmp_path / "checkpoint.key"), answers_per_minute="0") as server:
        yield server


@pytest.fixture
def desk(engine: Engine, server: Served) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {key_on(engine, 'admin')}"}
    with httpx2.Client(base_url=server.url, timeout=40, headers=headers) as desk:
        yield desk


def scans(engine: Engine, tables: Iterable[str] = LONG) -> int:
    """Return the number of scans of these tables, by this connection and those that have ended."""
    with connection(engine) as c:
        until(lambda: c.execute(OTHERS).scalar_one() == 0)
        c.execute(text("SELECT pg_stat_force_next_flush()"))
        return int(c.execute(WALKS, {"tables": list(tables)}).scalar_one())


def first(desk: httpx2.Client, kind: str) -> str:
    return str(desk.get(f"/v1/{kind}?limit=1").json()["items"][0]["id"])


def address(desk: httpx2.Client, path: str) -> str:
    """Return an address for a path template, with names that are in the record."""
    if "{" not in path or path.startswith("/v1/relations"):
        return path.replace("{relation}", "ru-us") + NEEDED.get(path, "")
    id = first(desk, path.split("/")[2])
    return path.replace("{relation}/{slug}", id).replace("{slug}", id).replace("{id}", id)


def filed(desk: httpx2.Client, path: str, body: dict[str, Any], key: str, **headers: str) -> dict[str, Any]:
    answer = desk.post(path, json=body, headers={"Idempotency-Key": key, **headers})
    assert answer.is_success, answer.text
    return dict(answer.json())


def test_every_read_uses_indexes(engine: Engine, server: Served, desk: httpx2.Client) -> None:
    for path in READS:
        if not path.endswith("/live"):
            told = [desk.get(asking(address(desk, path), point)).status_code for point in POINTS]
            assert 200 in told or path == "/v1/checkpoint", path
            assert set(told) <= {200, 404, 422}, path
    pages = [f"/{kind}/{first(desk, kind)}" for kind in ("irritants", "rounds", "relations", "sources")]
    for page in [*PAGES, *pages, f"{pages[0]}/difference", f"{pages[1]}/events"]:
        assert desk.get(page).status_code in (200, 401), page
    server.process.send_signal(signal.SIGTERM)
    assert scans(engine) == 0


def test_every_report_uses_indexes(engine: Engine, server: Served, desk: httpx2.Client, database_url: str) -> None:
    opened = {"stream": NEW, "type": "IrritantOpened", "title": "Moorings", "category": "ports"}
    begun = report(source(), origin(party="RU"), opened, on(NEW, "ConcernRaised", **SAID, **SPEAKS))
    filed(desk, "/v1/reports?dry_run=true", begun, "a preview")
    position = filed(desk, "/v1/reports", begun, "begun")["position"]
    assert filed(desk, "/v1/reports", begun, "begun")["position"] == position

    claim = desk.get("/v1/irritants/ru-us/moorings/events?limit=9").json()["items"][-1]["id"]
    tag = desk.get("/v1/irritants/ru-us/moorings").headers["etag"]
    single = said("PositionStated", stance="open", **SAID, **SPEAKS)
    filed(desk, "/v1/irritants/ru-us/moorings/events", single, "single", **{"If-Match": tag})
    mended = {"stream": NEW, "type": "AssertionCorrected", "target": claim, "changes": {"occurred": "2025-05"}}
    filed(desk, "/v1/reports", report({**mended, "reason": "A month, no day."}), "mended")
    struck = {"stream": NEW, "type": "AssertionRetracted", "target": claim, "reason": "Of other moorings."}
    filed(desk, "/v1/reports", report(struck), "struck")
    assert desk.get("/v1/irritants/ru-us/moorings").json()["status"] == "unstated"

    for command in (["key", "create", "another", "--scope", "read"], ["key", "list"]):
        assert irritants(*command, "--database", database_url).code == 0
    server.process.send_signal(signal.SIGTERM)
    assert scans(engine) == 0


def test_an_export_reads_page_by_page(engine: Engine, database_url: str, tmp_path: Path) -> None:
    assert irritants("export", str(tmp_path / "copy.jsonl"), "--database", database_url).code == 0
    assert scans(engine, set(LONG) - BRIEF) == 0


def test_a_scan_would_be_noticed(engine: Engine) -> None:
    with connection(engine) as c:
        c.execute(text("SELECT FROM events WHERE actor = 'desk'"))
    assert scans(engine) == 1
