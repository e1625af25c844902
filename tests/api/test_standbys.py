"""Standbys take reads from the primary. Whatever happens to a standby, no read fails, is stale or goes back."""

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from service.follower.replicas import Replicas
from service.store.embedded import PORT
from service.store.engine import connection, open_engine
from service.store.events import last_position
from service.store.log import read_head
from tests.api.bodies import VISAS, on, report
from tests.api.conftest import Headers
from tests.api.serving import Served, served
from tests.api.test_reading_never_goes_back import IRRITANTS, stale
from tests.keys import new_key
from tests.standby import RECORD, Standby, followed, primary, until

pytestmark = pytest.mark.slow
STATUS = "/v1/irritants/ru-us/visas"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with primary(tmp_path_factory.mktemp("primary")) as url:
        yield url


@pytest.fixture
def standbys(record: str, tmp_path: Path) -> Iterator[tuple[Standby, Standby]]:
    with followed(record, tmp_path) as both:
        yield both


def key_of(url: str) -> Headers:
    return {"Authorization": f"Bearer {new_key(url)}"}


@contextmanager
def reading_from(url: str, *standbys: Standby) -> Iterator[Served]:
    """Yield a server without a cache, which reads each document from a database. Both standbys serve."""
    addresses = ",".join(standby.url for standby in standbys)
    with served(url, read_database_urls=addresses, cache_megabytes="0") as server:
        until(lambda: states(server) == ["serving"] * len(standbys))
        yield server


def states(server: Served) -> list[str]:
    said = httpx2.get(f"{server.url}/readyz", timeout=10).json()["standbys"]
    return [one["state"] for one in said]


def reads(server: Served) -> dict[str, float]:
    """Return the number of reads so far, by database."""
    said = httpx2.get(f"{server.url}/metrics", timeout=10).text
    return {origin: float(n) for origin, n in re.findall(r'irritants_reads_total{origin="(.*)"} (.*)', said)}


def file(server: Served, key: Headers, name: str) -> int:
    body = report(on(VISAS, "ConcernRaised"))
    filed = httpx2.post(f"{server.url}/v1/reports", json=body, headers={**key, "Idempotency-Key": name}, timeout=20)
    assert filed.status_code == 201, filed.text
    return int(filed.json()["position"])


def status(server: Served, **parameters: Any) -> httpx2.Response:
    answer = httpx2.get(f"{server.url}{STATUS}", params=parameters, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer


def said(server: Served, event: str) -> list[tuple[int, str | None]]:
    lines = [line for line in server.log() if line["event"] == event]
    return [(line["standby"], line.get("because")) for line in lines]


def test_standbys_that_are_up_to_date_serve_in_turn(record: str, standbys: tuple[Standby, Standby]) -> None:
    with reading_from(record, *standbys) as server:
        paths = [STATUS, "/v1/irritants", "/v1/events?limit=5", "/v1/changes?limit=5", "/v1/relations/ru-us/board"]
        paths += [f"{STATUS}?as_of_position={n}" for n in range(110, 125)]
        answers = [httpx2.get(server.url + path).json() for path in paths]
        counted = reads(server)
        assert counted["primary"] == 0
        assert counted["standby 1"] == counted["standby 2"] == len(paths) / 2
    with served(record, cache_megabytes="0") as alone:
        assert [httpx2.get(alone.url + path).json() for path in paths] == answers


def test_every_read_includes_all_acknowledged_reports_despite_failing_standbys(
    record: str, standbys: tuple[Standby, Standby]
) -> None:
    key = key_of(record)
    first, second = standbys
    with reading_from(record, first, second) as server, served(record) as other:

        def nothing_stale() -> None:
            before = reads(server)
            with ThreadPoolExecutor(len(IRRITANTS)) as threads:
                found = threads.map(lambda slug: stale(slug, (server.url, other.url), key, 20), IRRITANTS)
                assert [answer for behind in found for answer in behind] == []
            assert sum(reads(server).values()) > sum(before.values())

        nothing_stale()
        assert min(n for origin, n in reads(server).items() if origin != "primary") > 0
        first.pause()
        nothing_stale()
        second.pause()
        nothing_stale()
        assert reads(server)["primary"] > 0
        second.resume()
        first.resume()
        first.hang()
        nothing_stale()
        first.go_on()
        second.kill()
        nothing_stale()
        until(lambda: states(server) == ["serving", "lost"])
        second.start()
        first.promote()
        nothing_stale()
        until(lambda: states(server)[0] == "promoted")


def test_people_read_and_sign_in_where_standbys_serve(record: str, standbys: tuple[Standby, Standby]) -> None:
    """Requests without a key read neither keys nor the secret of sessions."""
    form = {"key": new_key(record), "next": "/sign-in"}
    with reading_from(record, *standbys) as server, httpx2.Client(base_url=server.url, timeout=10) as browser:
        assert {browser.get(path).status_code for path in ("/", STATUS, "/sign-in")} == {200}
        entered = browser.post("/sign-in", data=form, headers={"Origin": server.url})
        assert entered.status_code == 303
        assert "signed in as" in browser.get("/sign-in").text
        assert browser.get(STATUS).status_code == 200


def test_a_lagging_standby_is_not_read_and_is_logged_when_it_lags_and_when_it_returns(
    record: str, standbys: tuple[Standby, Standby]
) -> None:
    key, (first, second) = key_of(record), standbys
    with reading_from(record, first, second) as server:
        first.pause()
        position = file(server, key, "lag")
        until(lambda: second.asked("SELECT position FROM head") == position)
        before = reads(server)
        assert {status(server).json()["position"] for _ in range(20)} == {position}
        after = reads(server)
        assert after["standby 1"] == before["standby 1"]
        assert after["standby 2"] > before["standby 2"]
        until(lambda: states(server) == ["behind", "serving"])
        first.resume()
        until(lambda: states(server) == ["serving", "serving"])
        assert said(server, "standby_set_aside") == [(1, "behind")]
        assert (1, None) in said(server, "standby_serves")[2:]


def test_a_standby_ahead_of_the_head_serves_only_reads_of_the_past(
    record: str, standbys: tuple[Standby, Standby]
) -> None:
    """Events that reached the standby after the head was read do not affect a past read."""
    key, (standby, _) = key_of(record), standbys
    engine = open_engine(record)
    copies = Replicas(engine, [standby.url])
    copies.standbys[0].connection.is_healthy = True
    with reading_from(record) as server, connection(engine) as c:
        before = read_head(c)
        position = file(server, key, "further")
        until(lambda: standby.asked("SELECT position FROM head") == position)
    assert copies.read(before, last_position, is_past=True) == position
    assert (copies.standbys[0].reads, copies.primary_reads) == (1, 0)
    copies.read(before, last_position, is_past=False)
    assert (copies.standbys[0].reads, copies.primary_reads) == (1, 1)
    another = before._replace(chain_hash=bytes(32))
    copies.read(another, last_position, is_past=True)
    assert (copies.standbys[0].reads, copies.primary_reads) == (1, 2)
    copies.standbys[0].connection.close()
    engine.dispose()


def test_a_read_that_hangs_on_a_standby_is_retried_on_the_primary(
    record: str, standbys: tuple[Standby, Standby]
) -> None:
    first, second = standbys
    with reading_from(record, first, second) as server:
        for _ in range(10):
            status(server)
        first.hang()
        second.hang()
        status(server)
        until(lambda: states(server) == ["lost", "lost"])
        assert {status(server).status_code for _ in range(10)} == {200}
        first.go_on()
        second.go_on()
        until(lambda: states(server) == ["serving", "serving"])


def test_a_standby_that_is_down_at_the_start_is_read_once_it_is_up(record: str, tmp_path: Path) -> None:
    with followed(record, tmp_path) as (first, second):
        second.kill()
        with served(record, read_database_urls=f"{first.url},{second.url}", cache_megabytes="0") as server:
            until(lambda: states(server) == ["serving", "lost"])
            assert status(server).status_code == 200


def test_after_a_promotion_that_lost_commits_a_standby_with_them_is_not_read(tmp_path: Path) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(primary(tmp_path / "primary"))
        first, second = stack.enter_context(followed(url, tmp_path))
        hosts = [parse_qs(urlsplit(address).query)["host"][0] for address in (url, first.url)]
        either = f"postgresql://postgres@/{RECORD}?host={','.join(hosts)}&port={PORT}&target_session_attrs=read-write"
        key = key_of(url)
        until(lambda: first.asked("SELECT keys_version FROM head") == second.asked("SELECT keys_version FROM head"))
        with reading_from(either, second) as server:
            kept = httpx2.get(f"{server.url}/v1/events?limit=1000").json()
            first.stop()
            lost = [file(server, key, f"lost-{n}") for n in range(2)]
            cursor = httpx2.get(f"{server.url}/v1/events?limit=1000").json()
            until(lambda: second.asked("SELECT position FROM head") == lost[-1])
            pid = int((tmp_path / "primary" / "database" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
            os.kill(pid, signal.SIGKILL)
            first.start()
            first.promote()
            until(lambda: httpx2.get(f"{server.url}/readyz", timeout=10).status_code == 200)
            assert status(server).json()["position"] < lost[0]
            answers = [
                httpx2.get(f"{server.url}/v1/events?after={page['next']}&log={page['log']}") for page in (cursor, kept)
            ]
            assert [answer.status_code for answer in answers] == [410, 200]
            assert answers[1].json()["items"] == []
            again = [file(server, key, f"again-{n}") for n in range(3)]
            assert again[:2] == lost
            assert {status(server).json()["position"] for _ in range(20)} == {again[-1]}
            assert [line["event"] for line in server.log()].count("went_back") == 1
