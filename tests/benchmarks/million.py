"""Compare costs in a record of a thousand events and in one of a million, in turn.

Both records share one relation, with the same 1,000 events on 100 irritants. All requests and reports concern it, so
only the 999,000 events around it differ. A third record has one stream of 10,000 events and one of 100. Each record has
a server of one process. A response with `anew` is computed rather than cached. At the end a client reads and files on
every relation of the long record, and the memory of its server is printed halfway and at the end. Searches have an
absolute goal: 99 of 100 take at most SEARCH_MILLISECONDS on the long record.

    .venv/bin/python -m tests.benchmarks.million [--events 1000000] [--rounds 5] [--only NAME] [--prove]
                                                 [--database URL | --home FOLDER]

Generating and importing a million events and building their documents takes half an hour on each database. `--home`
keeps the records of the embedded server for the next run. `--prove` verifies their chains and documents.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from functools import partial
from itertools import count, cycle
from pathlib import Path
from statistics import median
from typing import Final

from tests.benchmarks import generated
from tests.benchmarks.databases import add_option, embedded_server, run_on_each
from tests.benchmarks.desks import SLUGS, Filed
from tests.benchmarks.generated import MEASURED
from tests.benchmarks.loading import load, prove
from tests.benchmarks.measuring import Rounds, in_turn, ratio, typical
from tests.benchmarks.measuring import load as busy
from tests.benchmarks.records import Record, kept_database

SHORT: Final = generated.MEASURED_EVENTS
LITTLE, MUCH = "no-se", "gb-us"
"""The relations with one irritant each, which are compared."""
LITTLE_EVENTS: Final = 100
FLAT: Final = 1.2
"""The highest allowed cost on the long record, as a multiple of that on the short one."""
GOALS: Final = {"start-up": 2.0}
HELD: Final = 1.2
"""The highest allowed memory of its server at the end, as a multiple of that halfway."""
SEARCH_MILLISECONDS: Final = 20
SEARCHES: Final = (
    "q=ministry+repeated",  # in a quarter of all statements
    "q=bank",  # the beginning of a word in a tenth of them
    "q=banking+islands",
    "q=banking+islands+experts",
    "q=spokesperson+experts",  # words that never stand together
    "q=zeppelin",  # no such word, so near words of names are sought
    "q=bankng+islands",
    f"q=visas&relation={MEASURED}",
    "q=visas&type=ConcernRaised",
    "q=visas+coast&party=US",
    "q=delegation&status=in_talks",
    "q=restrictions&from=2024-01-01&to=2024-01-31",
)
"""Queries of searches."""
WALKED: Final = 40
"""The number of relations to read and file on."""
FILED_EACH: Final = 10

Measure = Callable[[Record], float]
"""Seconds."""
_numbers = count(1)
_slugs = cycle(SLUGS)


def repeated(times: int, once: Measure) -> Measure:
    return lambda record: median(once(record) for _ in range(times))


def asked(path: Callable[[Record], str], *, anew: bool = True) -> Measure:
    return repeated(40, lambda record: record.served.get(path(record), anew=anew).seconds)


def plainly(path: str, *, anew: bool = True) -> Measure:
    return asked(lambda _: path, anew=anew)


def _unchanged(record: Record) -> float:
    path = f"/v1/irritants/{MEASURED}/{SLUGS[0]}"
    etag = record.served.get(path).etag
    return median(record.served.unchanged(path, etag).seconds for _ in range(40))


def _filed_unread(record: Record) -> float:
    """File the first reports on irritants in the life of a process."""
    record.way.forget()
    record.way.file(MEASURED, SLUGS[0])
    return median(record.way.file(MEASURED, slug) for slug in SLUGS[1:30])


def _after_a_commit(path: str, relation: str, slug: str | None = None) -> Measure:
    def once(record: Record) -> float:
        record.served.post(relation, slug or next(_slugs))
        return record.served.get(path).seconds

    return repeated(15, once)


_one = f"/v1/irritants/{MEASURED}"
_board = f"/v1/relations/{MEASURED}/board"
MEASURES: Final[Mapping[str, Measure]] = {
    "append, whole path": repeated(100, lambda r: r.way.file(MEASURED, next(_slugs))),
    "append, stream not yet read": _filed_unread,
    "append over HTTP": repeated(60, lambda r: r.served.post(MEASURED, next(_slugs)).seconds),
    "status, 304": _unchanged,
    "status, 200, kept": plainly(f"{_one}/{SLUGS[0]}", anew=False),
    "status, 200, anew": asked(lambda _: f"{_one}/{next(_slugs)}"),
    "status as of a position": repeated(5, lambda r: r.served.get(f"{_one}/{SLUGS[1]}?as_of_position=900").seconds),
    "changes, first page": plainly("/v1/changes"),
    "changes, from the middle": asked(lambda r: f"/v1/changes?after={r.generated // 2}"),
    "changes, at the end": asked(lambda r: f"/v1/changes?after={r.events}"),
    "changes of a relation": plainly(f"/v1/changes?relation={MEASURED}"),
    "events, from the middle": asked(lambda r: f"/v1/events?after={r.generated // 2}"),
    "events of a stream": asked(lambda _: f"/v1/events?stream=irritant/{MEASURED}/{next(_slugs)}"),
    "board, kept": plainly(_board, anew=False),
    "board, after a commit": _after_a_commit(_board, MEASURED),
    "irritants, a page": plainly("/v1/irritants"),
    "irritants of a status": plainly("/v1/irritants?status=in_talks&limit=10"),
    "irritants, none of a status": plainly("/v1/irritants?status=resolved"),
    "irritants changed lately": asked(lambda r: f"/v1/irritants?changed_after={r.events - 100}"),
    "irritants as of a position": repeated(5, lambda r: r.served.get("/v1/irritants?as_of_position=900").seconds),
    "relations, one": plainly("/v1/relations?limit=1"),
    "reports": plainly("/v1/reports"),
    "sources, a page": plainly("/v1/sources?limit=20"),
    "one source": plainly(f"/v1/sources/{MEASURED}-round-1-readout"),
    "start-up": lambda record: record.served.started_anew(),
}


def of_stream(relation: str) -> Mapping[str, Measure]:
    """Return the measures on the one irritant of a relation."""
    slug = SLUGS[0]
    one = f"/v1/irritants/{relation}/{slug}"

    def unread(record: Record) -> float:
        record.way.forget()
        return record.way.file(relation, slug)

    def corrected(record: Record) -> float:
        known = record.served.get(f"/v1/events?stream=irritant/{relation}/{slug}&type=ConcernRaised&limit=1")
        return record.way.file(relation, slug, _correction(known.body))

    return {
        "append": repeated(40, lambda r: r.way.file(relation, slug)),
        "append over HTTP": repeated(40, lambda r: r.served.post(relation, slug).seconds),
        "append, stream not yet read": repeated(2, unread),
        "append of a correction": repeated(5, corrected),
        "status after a commit": _after_a_commit(one, relation, slug),
        "dossier after a commit": _after_a_commit(f"{one}/dossier", relation, slug),
        "board after a commit": _after_a_commit(f"/v1/relations/{relation}/board", relation, slug),
        "events, last page": asked(lambda r: f"/v1/events?stream=irritant/{relation}/{slug}&after={r.events}"),
    }


def _correction(events: bytes) -> Mapping[str, object]:
    first = json.loads(events)["items"][0]
    return {
        "type": "AssertionCorrected",
        "target": first["id"],
        "changes": {"summary": f"As it reads in edition {next(_numbers)}."},
        "reason": "Misread.",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--home", type=Path, help="keep the records here, and run on the embedded server alone")
    add_option(parser)
    parser.add_argument("--prove", action="store_true")
    parser.add_argument("--only", default="", help="measures only what has this in its name")
    arguments = parser.parse_args()

    def benchmark(database: Callable[[str], str]) -> None:
        with ExitStack() as stack:
            records = [loaded(database, *what, prove_it=arguments.prove) for what in contents(arguments.events)]
            opened = [stack.enter_context(closing(Record(*record))) for record in records]
            compared(*opened, rounds=arguments.rounds, only=arguments.only)

    if arguments.home is None:
        run_on_each(arguments.database, lambda server: benchmark(lambda _: server.database()))
    else:
        with embedded_server(arguments.home) as server:
            print(f"on {server.name}:")
            benchmark(partial(kept_database, server.address))


def contents(events: int, much: int = 10_000) -> tuple[tuple[str, Iterator[Filed], int], ...]:
    """Return name, reports and number of events of the short record, the long one, and the one with long streams."""
    streams = {LITTLE: LITTLE_EVENTS, MUCH: much}
    return (
        ("short", generated.record(SHORT), SHORT),
        ("long", generated.record(events), events),
        ("streams", generated.streams(streams), sum(streams.values())),
    )


def loaded(
    database: Callable[[str], str], name: str, reports: Iterator[Filed], events: int, *, prove_it: bool
) -> tuple[str, int]:
    """Return the address of a record, filled now or in an earlier run, and the number of its events at the filling."""
    url = database(f"{name}_{events}")
    load(url, reports, events)
    if prove_it:
        prove(url)
    return url, events


def compared(short: Record, long: Record, streams: Record, *, rounds: int, only: str = "") -> dict[str, list[float]]:
    """Return the costs on the long record as multiples of the short one, for measures whose name contains `only`."""
    little, much = of_stream(LITTLE), of_stream(MUCH)
    print(f"{long.events:,} events against {short.events:,}, {rounds} rounds; {busy()}", flush=True)
    found = _held_against(MEASURES, long, MEASURES, short, rounds, only)
    print(f"a stream of {streams.events - LITTLE_EVENTS:,} events against one of {LITTLE_EVENTS}", flush=True)
    found |= _held_against(much, streams, little, streams, rounds, only)
    if only in "search":
        searched(long, rounds)
    if only in "memory":
        found["memory"] = [walked(short, long)]
    return found


def _held_against(
    measures: Mapping[str, Measure], long: Record, others: Mapping[str, Measure], short: Record, rounds: int, only: str
) -> dict[str, list[float]]:
    names = [name for name in measures if only in name]
    if not names:
        return {}
    contenders: dict[str, Callable[[], float]] = {}
    for name in names:
        contenders[f"{name}, long"] = partial(measures[name], long)
        contenders[f"{name}, short"] = partial(others[name], short)
    done = in_turn(contenders, rounds)
    for name in names:
        _tell(done, name)
    return {name: [r[f"{name}, long"] / r[f"{name}, short"] for r in done] for name in names}


def _tell(done: Rounds, name: str) -> None:
    milliseconds = typical(done, f"{name}, long") * 1000
    goal = f", goal {GOALS.get(name, FLAT)}" if name in MEASURES else ""
    print(f"  {name:28} {ratio(done, f'{name}, long', f'{name}, short')}{goal}; {milliseconds:.1f} ms", flush=True)


def searched(long: Record, rounds: int) -> list[float]:
    """Print how long searches on the long record take. Return all durations in milliseconds, sorted."""
    taken: list[float] = []
    for query in SEARCHES:
        of_query = [long.served.get(f"/v1/search?{query}", anew=True).seconds * 1000 for _ in range(20 * rounds)]
        print(f"  search {query:50} median {median(of_query):.1f} ms, longest {max(of_query):.1f} ms", flush=True)
        taken += of_query
    taken.sort()
    worst = taken[len(taken) * 99 // 100]
    print(f"  99 of 100 searches take at most {worst:.1f} ms, goal {SEARCH_MILLISECONDS}", flush=True)
    return taken


def walked(short: Record, long: Record) -> float:
    """Read and file all over the long record. Return the server's memory as a multiple of that halfway."""
    beside = [name for name, _ in generated.relations(long.events) if name != MEASURED][:WALKED]
    print(f"memory of the servers: {long.served.memory} MB, short record {short.served.memory} MB", flush=True)
    held = []
    for part in (beside[::2], beside[1::2]):
        for relation in part:
            _walk(long, relation)
        held.append(long.served.memory)
        print(f"  after {len(part)} relations, each with its board and irritants: {held[-1]} MB", flush=True)
    first, last = held
    print(f"  in the end {last / first:.2f} of halfway, goal {HELD}", flush=True)
    return last / first


def _walk(record: Record, relation: str) -> None:
    record.served.get(f"/v1/relations/{relation}/board")
    for slug in SLUGS:
        record.served.get(f"/v1/irritants/{relation}/{slug}")
        record.served.get(f"/v1/irritants/{relation}/{slug}/dossier")
    for slug in SLUGS[:FILED_EACH]:
        record.served.post(relation, slug)


if __name__ == "__main__":
    main()
