"""A benchmark names the database of its figures and removes all that it created there."""

import re
from pathlib import Path

import psycopg
import pytest

from tests.benchmarks.databases import Server, given, run_on_each


def exists(address: str) -> bool:
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


def test_only_scratch_databases_are_dropped_at_the_end(database_server: str, bare_database_url: str) -> None:
    with given(database_server) as server:
        scratch = [server.database(), server.database(bare=True)]
        assert all(map(exists, scratch))
    assert not any(map(exists, scratch))
    assert exists(bare_database_url)


def test_scratch_databases_are_dropped_after_a_failure(database_server: str) -> None:
    scratch: list[str] = []

    def fail(server: Server) -> None:
        scratch.append(server.database(bare=True))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_on_each(database_server, fail)
    assert not exists(scratch[0])


def test_an_address_that_would_lead_to_another_database_is_refused(database_server: str) -> None:
    separator = "&" if "?" in database_server else "?"
    with (
        given(f"{database_server}{separator}dbname=postgres") as server,
        pytest.raises(ValueError, match="by the path"),
    ):
        server.database()


def test_the_name_of_a_server_has_version_transport_and_durability(
    database_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_on_each(database_server, lambda _: None)
    assert re.fullmatch(
        r"on PostgreSQL [\d.]+, (Unix socket|TCP), not durable:\n", capsys.readouterr().out
    )  # tests/conftest.py turns durability off


def test_the_processor_time_of_a_server_is_that_of_its_processes(database_server: str) -> None:
    server = Server(database_server)
    before = server.processor_seconds()
    with psycopg.connect(database_server) as c:
        c.execute("SELECT count(*) FROM generate_series(1, 1000000)")
        after = server.processor_seconds()  # while its process runs
    assert before is not None
    assert after is not None
    assert after - before > 0.01


def test_without_a_container_engine_the_output_names_only_the_embedded_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    run_on_each(None, lambda _: print("measured"))
    embedded, measured, missing = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"on PostgreSQL [\d.]+, Unix socket, durable:", embedded)
    assert measured == "measured"
    assert missing.startswith("not measured on postgres:17, so all figures are of the embedded server: ")
