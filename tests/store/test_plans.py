"""No query scans a whole table, so queries take as long in a long record."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from inspect import getmembers, isfunction, signature
from sys import setprofile
from types import CodeType
from typing import Any

import pytest
from sqlalchemy import Connection, event

from service.store import events, log, log_scan, read_models, reports, search
from service.store.engine import connection, driver, open_engine
from service.store.tables import FACETS
from tests.store.record import NOON, new_id

FILL = """
WITH kinds AS (
  SELECT n, CASE WHEN n % 500 = 7
    THEN jsonb_build_object('type', 'OriginRegistered', 'origin', 'origin-' || n, 'speaker', '-', 'party', 'NO',
                            'channel', 'quote')
    ELSE jsonb_build_object('type', 'IrritantOpened', 'title', repeat('x', 300), 'category', 'x') END AS data
  FROM generate_series(1, 20000) n
)
INSERT INTO events (position, stream, version, id, type, schema_version, data, actor, report, correlation, recorded_at,
                    chain_hash)
SELECT n, 'irritant/' || chr(97 + n % 20) || 'a-zz/s' || n % 200, n / 200 + 1, gen_random_uuid(), data ->> 'type', 1,
       data, 'desk', gen_random_uuid(), '-', timestamptz '2031-05-14 12:00Z' + n * interval '1 minute', ''
  FROM kinds;
INSERT INTO reports
SELECT report, 'key-' || position, '', CASE WHEN position % 2 = 0 THEN 'desk' ELSE 'embassy-' || position % 40 END,
       relation, CASE WHEN position % 100 = 0 THEN relation || '/round' END, '-', position, position, recorded_at
  FROM events;
INSERT INTO read_models
SELECT 'irritant', 1, relation || '/s' || position, relation, position,
       '{"status": "raised", "basis": "raised", "lifecycle": "raised", "awaiting": "raised", "phase": "raised"}',
       repeat('x', 500)::bytea
  FROM events;
INSERT INTO read_models
SELECT 'hit', 1, '0' || lpad(position::text, 19, '0'), relation, position,
       jsonb_build_object('words', concat_ws(' ', position / 16384 || '/embassy',
                                             CASE WHEN position % 1000 = 0 THEN position / 16384 || '/bank' END),
                          'irritant', relation || '/s' || position),
       repeat('x', 500)::bytea
  FROM events;
UPDATE head SET position = 20000;
ANALYZE;
"""


def page_of(c: Connection, facet: str, value: str) -> list[read_models.Document]:
    return read_models.page(c, "irritant", 1, facets={facet: value}, limit=100)


READS: dict[str, Callable[[Connection], object]] = {
    "the head": log.read_head,
    "streams": lambda c: events.read_streams(c, {f"irritant/aa-zz/s{n}": 95 for n in range(0, 200, 20)}),
    "streams as known": lambda c: events.read_streams(c, {"irritant/aa-zz/s20": 0}, upto=300),
    "the log": lambda c: events.read_log(c, after=15_000, limit=100),
    "a stream's events": lambda c: events.read_log(c, stream="irritant/aa-zz/s20", after=19_000, limit=100),
    "a stream's first events": lambda c: events.read_log(c, stream="irritant/aa-zz/s20", limit=10),
    "events of a rare type": lambda c: events.read_log(c, type="OriginRegistered", after=100, limit=20),
    "events of a relation": lambda c: events.read_log(c, relation="aa-zz", after=15_000, limit=100),
    "a report's events": lambda c: events.read_log(c, report=new_id()),
    "the last position": events.last_position,
    "a relation's last position": lambda c: events.last_position(c, relation="aa-zz", upto=15_000),
    "the position at a moment": lambda c: events.position_at(c, NOON + timedelta(days=3)),
    "the position before a moment": lambda c: events.position_before(c, NOON + timedelta(days=3)),
    "the chain at a position": lambda c: events.chain_hash_at(c, 777),
    "origins": lambda c: events.origin_streams(c, ["origin-7", "origin-507"]),
    "what cites a source": lambda c: events.streams_citing(c, "readout", ["origin-7", "origin-507"], 19_000),
    "streams by name": lambda c: events.streams(c, after="irritant/aa-zz/s20", limit=100),
    "streams of a kind": lambda c: events.streams_of_kind(c, "irritant", after="aa-zz/s20", upto=19_000, limit=100),
    "origins by name": lambda c: events.origin_slugs(c, after="origin-5", limit=100),
    "streams of late": lambda c: events.streams_since(c, 19_900),
    **{f"documents of a {facet}": partial(page_of, facet=facet, value="resolved") for facet in FACETS},
    "documents at positions": lambda c: read_models.at(c, range(100, 200)),
    "documents beyond the head": lambda c: read_models.beyond(c, 20_000),
    "hits with two words": lambda c: search.find(
        c, "hit", 1, [[("embassy", True)], [("bank", False)]], newest=20_000, limit=20
    ),
    "hits of irritants with a status": lambda c: search.find(
        c, "hit", 1, [[("embassy", True)]], newest=20_000, limit=20, status=search.StatusFilter("irritant", 1, "raised")
    ),
    "the words on record": lambda c: search.words_of(c, "hit", 1, limit=100),
    "the words of late": lambda c: search.words_of(c, "hit", 1, changed_after=19_900, limit=100),
    "a page of the whole record": lambda c: next(log_scan.read(c, 100)),
    "reports by id": lambda c: reports.by_ids(c, [new_id(), new_id()]),
    "reports by key": lambda c: reports.by_keys(c, ["key-1", "key-2"]),
    "reports": lambda c: reports.page(c, after=15_000, limit=100),
    "a relation's reports": lambda c: reports.page(c, relation="aa-zz", after=10_000, limit=100),
    "a round's reports": lambda c: reports.page(c, round="aa-zz/round"),
    "a round's reports, some attributed": lambda c: reports.page(
        c, round="aa-zz/round", attributed={new_id(): "aa-zz/round", new_id(): "aa-zz/other"}
    ),
    "an operator's reports": lambda c: reports.page(c, actor="desk", limit=100, newest_first=True),
    "an operator's reports on a relation": lambda c: reports.page(c, actor="desk", relation="aa-zz", limit=100),
    "the newest reports": lambda c: reports.page(c, upto=15_000, limit=100, newest_first=True),
    "reports of rounds": lambda c: reports.of_rounds(c, ["aa-zz/round", "aa-yy/round"], 19_000),
    "all streams of a relation": lambda c: events.read_relation(c, "aa-zz", kinds=("irritant",), upto=15_000),
    "names of actors": events.actor_events,
    "all names of streams of a relation": lambda c: events.streams_of_relation(c, "aa-zz"),
    "what names a round": lambda c: events.streams_naming(c, "aa-zz/round", ["ReportAttributed"]),
    "the end of the chain": events.end_of_chain,
    "times of positions": lambda c: events.times_of(c, 100, 200),
    "what links with an irritant": lambda c: events.streams_linked_with(c, "aa-zz/s20", 19_000),
    "events by id": lambda c: events.by_ids(c, [new_id(), new_id()]),
    "a stream's last event": lambda c: events.last_of_stream(c, "irritant/aa-zz/s20", 19_000),
    "the newest documents": lambda c: read_models.last_by_key(c, "irritant", 1, limit=50),
    "a relation's newest documents": lambda c: read_models.last_by_key(c, "irritant", 1, relation="aa-zz", limit=50),
    "a document": lambda c: read_models.get(c, "irritant", 1, "aa-zz/s20"),
    "a page of documents": lambda c: read_models.page(c, "irritant", 1, after="aa-zz/s20", limit=100),
    "a relation's documents": lambda c: read_models.page(c, "irritant", 1, relation="aa-zz", limit=100),
    "documents changed since": lambda c: read_models.page(c, "irritant", 1, changed_after=19_900),
    "documents between": lambda c: read_models.between(c, "irritant", 1, 100, 200),
}
WRITES = {"append", "lock_head", "store", "remove"}


@pytest.fixture(scope="module")
def long(clone: Any, migrated_template: str) -> Iterator[Connection]:
    """A record of 20,000 events over 200 streams in 20 relations, each a report, each with a document."""
    with clone(migrated_template) as url:
        engine = open_engine(url)
        with connection(engine) as c:
            driver(c).execute(FILL)
            # A tenth of the events are withheld, so that reading their ranks needs an index.
            driver(c).execute("INSERT INTO withheld SELECT n * 10, 500 FROM generate_series(1, 2000) AS n")
            driver(c).execute("ANALYZE withheld")
            yield c
        engine.dispose()


def nodes(c: Connection, statement: str, parameters: Any) -> list[dict[str, Any]]:
    """Yield every step of the plan of a query."""
    ((explained,),) = driver(c).execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchall()
    return list(_with_parts(explained[0]["Plan"]))


def _with_parts(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from _with_parts(part)


def scanned(c: Connection, statement: str, parameters: Any) -> set[str]:
    """Return the tables that a query scans."""
    return {node["Relation Name"] for node in nodes(c, statement, parameters) if node["Node Type"] == "Seq Scan"}


def asked_by(c: Connection, read: Callable[[Connection], object]) -> list[tuple[str, Any]]:
    """Return the queries that a read sends to the database."""
    asked: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(c.engine, "before_cursor_execute", listen)
    read(c)
    event.remove(c.engine, "before_cursor_execute", listen)
    return asked


@pytest.mark.parametrize("read", READS)
def test_each_query_uses_an_index(long: Connection, read: str) -> None:
    asked = asked_by(long, READS[read])
    assert asked
    for statement, parameters in asked:
        assert scanned(long, statement, parameters) <= {"head"}


@pytest.mark.parametrize("facet", FACETS)
def test_the_first_page_of_a_facet_of_all_documents_is_read_without_a_full_sort(long: Connection, facet: str) -> None:
    ((statement, parameters),) = asked_by(long, lambda c: page_of(c, facet, "raised"))
    assert {node["Node Type"] for node in nodes(long, statement, parameters)} == {"Limit", "Index Scan"}


NOBODY, EVERYBODY, RARE = "guest", "desk", "embassy-7"
REPORT_FILTERS: list[dict[str, Any]] = [
    {"actor": actor, "relation": relation, "round": round}
    for actor in (None, NOBODY, EVERYBODY, RARE)
    for relation in (None, "aa-zz", "ba-zz")
    for round in (None, f"{relation or 'aa-zz'}/round")
]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("filters", REPORT_FILTERS, ids=str)
def test_a_page_of_reports_reads_little_more_than_it_shows(
    long: Connection, filters: dict[str, Any], *, newest_first: bool
) -> None:
    """One filter finds half of 20,000 reports, another none. A round has up to 200, of all operators."""
    limit = 20
    attributed = {new_id(): filters["round"], new_id(): "aa-zz/other"}

    def page(c: Connection) -> object:
        return reports.page(
            c, after=1_000, upto=19_000, limit=limit, newest_first=newest_first, attributed=attributed, **filters
        )

    # With the report at the end, whose last events can be withheld.
    at_most = 250 if filters["round"] else limit + 1
    assert sum(rows_read(long, *asked) for asked in asked_by(long, page)) <= at_most


def rows_read(c: Connection, statement: str, parameters: Any) -> int:
    """Run a query, and return the number of rows that it looked at in tables."""
    ((explained,),) = driver(c).execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).fetchall()
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in _with_parts(explained[0]["Plan"])
        if "Relation Name" in node
    )


def test_every_query_of_the_store_is_checked(long: Connection) -> None:
    """Only the store sends SQL, so its functions are all the queries, except those that write."""
    rooms = (events, log, log_scan, read_models, reports, search)
    offered = {
        function.__code__
        for room in rooms
        for name, function in getmembers(room, isfunction)
        if function.__module__ == room.__name__ and "connection" in signature(function).parameters and name[0] != "_"
    }
    ran: set[CodeType] = set()
    setprofile(lambda frame, _event, _argument: ran.add(frame.f_code))
    try:
        for read in READS.values():
            read(long)
    finally:
        setprofile(None)
    assert {code.co_name for code in offered - ran} == WRITES


def test_a_query_that_scans_a_table_would_be_noticed(long: Connection) -> None:
    assert scanned(long, "SELECT FROM events WHERE actor = %s", ("desk",)) == {"events"}
