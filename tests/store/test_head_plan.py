"""Changed documents are found by the index on positions, even with old statistics of a small table."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from service.store.engine import connection, driver
from service.store.head_listener import CHANGES

FILL = """
INSERT INTO read_models
SELECT 'irritant', 1, 'aa-zz/s' || n, 'aa-zz', n, '{"status": "raised"}', repeat('x', 500)::bytea
  FROM generate_series(%s::int, %s::int) AS n
"""
FEW_PAGES = 12
"""More pages than an index scan for one document. A table with fewer pages may be scanned completely."""


@pytest.fixture
def record(engine: Engine) -> Iterator[Connection]:
    with connection(engine) as c:
        yield c


def read(c: Connection, after: int) -> tuple[set[str], int]:
    """Return how the query for changes reads the table of documents, and the number of pages."""
    explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {CHANGES.replace('$1', str(after))}"
    ((said,),) = driver(c).execute(explained).fetchall()
    nodes = [node for node in walk(said[0]["Plan"]) if of_documents(node)]
    assert nodes
    return {node["Node Type"] for node in nodes}, max(pages(node) for node in nodes)


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from walk(part)


def of_documents(node: dict[str, Any]) -> bool:
    return node.get("Relation Name") == "read_models" or "read_models" in node.get("Index Name", "")


def pages(node: dict[str, Any]) -> int:
    return int(node["Shared Hit Blocks"]) + int(node["Shared Read Blocks"])


def grow(c: Connection, first: int, last: int) -> None:
    driver(c).execute(FILL, (first, last))


def test_on_a_new_record_the_index_is_read(record: Connection) -> None:
    kinds, read_pages = read(record, 0)
    assert "Seq Scan" not in kinds
    assert read_pages <= FEW_PAGES


@pytest.mark.parametrize("looked_at", [0, 1, 10, 100, None])
def test_few_pages_are_read_while_a_record_grows(record: Connection, looked_at: int | None) -> None:
    """PostgreSQL gathers statistics once, with this many documents, and then the record grows."""
    sizes = [1, 10, 100, 1_000, 20_000]
    if looked_at == 0:
        driver(record).execute("VACUUM ANALYZE read_models")
    there = 0
    for size in sizes:
        grow(record, there + 1, size)
        there = size
        if size == looked_at:
            driver(record).execute("VACUUM ANALYZE read_models")
        kinds, read_pages = read(record, size - 1)
        assert read_pages <= FEW_PAGES, (size, kinds)
        if size >= 1_000:
            assert "Seq Scan" not in kinds, size


def test_in_a_large_record_the_index_is_read(record: Connection) -> None:
    grow(record, 1, 20_000)
    driver(record).execute("VACUUM ANALYZE read_models")
    for behind in (1, 100, 1_000):
        kinds, read_pages = read(record, 20_000 - behind)
        assert "Seq Scan" not in kinds
        assert read_pages <= FEW_PAGES + behind
