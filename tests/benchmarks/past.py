"""Measure past readings: an irritant as of a position against decoding, and a board against its irritants.

The irritant has 1,000 events. The board has 200 irritants of 100 events each, and is compared with reading each one
separately. The measures go from the connection to the rendered bytes, without HTTP and without a cache. The garbage
collector has the settings of the service.

    .venv/bin/python -m tests.benchmarks.past [--rounds 5] [--database URL]
"""

import argparse
import gc
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine

from service.api.auth import Access
from service.api.parameters import AsOfQuery, parse
from service.api.resources import Resource, Snapshot, as_json, irritants, relations
from service.api.server import tune_garbage_collection
from service.domain import catalogue
from service.domain.assertion import Recorded
from service.follower.vocabulary import Vocabulary
from service.history_cache import HistoryCache
from service.store import codec, events, log
from service.store.codec import StoredReport
from service.store.engine import connection, open_engine
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.measuring import Rounds, in_turn, load, ratio, typical

LONG: Final = 1_000
IRRITANTS, EACH = 200, 100
LONG_ONE, BOARD = "se-us", "ru-us"
GOALS: Final = {"an irritant": 10, "the board": IRRITANTS}
NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
_chance = random.Random(1)
_ids = (str(UUID(int=n)) for n in count(1))


def told(type: str, n: int, **payload: Any) -> dict[str, Any]:
    party = _chance.choice(("RU", "US", "MEDIA"))
    month, day = _chance.randint(1, 12), _chance.randint(1, 28)
    return {
        "type": type,
        "occurred": f"2025-{month:02}-{day:02}",
        "asserted_by": {"party": party, "channel": "outlet" if party == "MEDIA" else "quote"},
        "source": {"document": "a-document", "paragraphs": [n % 9 + 1], "origin": f"origin-{n % 7}"},
        "summary": "What was said, in the operator's own words, of about the length that such lines have.",
        **payload,
    }


def payloads(length: int) -> Iterator[dict[str, Any]]:
    """Yield payloads of a stream: claims at all rungs and evidence, out of the order of the world."""
    yield {"type": "IrritantOpened", "title": "An irritant", "category": "banking"}
    for n in range(1, length):
        match n % 5:
            case 0:
                yield told("ConcernRaised", n)
            case 1:
                yield told("ProposalTabled", n, kind="offer", addressee="US", terms="Terms.")
            case 2:
                yield told("DiscussionReported", n, form="talks")
            case 3:
                yield told("UnderstandingReported", n, terms="Terms.")
            case _:
                yield told("NextStepAgreed", n, step=f"step-{n % 11}", owner="both", action="To be done.")


def put(engine: Engine, stream: str, length: int) -> None:
    """File all events of a stream as one report."""
    with connection(engine) as c:
        head = log.read_head(c)
        report, relation = next(_ids), stream.split("/")[1]
        recorded = [
            Recorded(
                head.position + n, stream, n, next(_ids), payload["type"], catalogue.load(payload["type"], payload),
                "bench", report, report, None, head.moment(NOON),
            )
            for n, payload in enumerate(payloads(length), 1)
        ]  # fmt: skip
        last = head.position + length
        row = StoredReport(
            report, report, sha256().digest(), "bench", relation, None, "-", head.position + 1, last, head.moment(NOON)
        )
        assert log.append(c, head, [log.Filing(row, recorded)])


def fill(engine: Engine) -> None:
    for n in range(IRRITANTS):
        put(engine, f"irritant/{BOARD}/i-{n}", EACH)
    put(engine, f"irritant/{LONG_ONE}/long", LONG)


def reading(engine: Engine, resource: Resource[Any, Any], relation: str, *slugs: str) -> Callable[[], float]:
    """Return a function that reads each of the slugs once, one after another."""
    with connection(engine) as c:
        head = log.read_head(c)
    query = parse(AsOfQuery, b"as_of_position=%d" % head.position)

    def read(slug: str) -> bytes:
        with connection(engine) as c:
            snapshot = Snapshot(c, head, NOON, HistoryCache(0), Vocabulary(), Access("anybody", ("read",)), "-")
            found = resource.find(snapshot, {"relation": relation, "slug": slug}, query)
        return as_json(found.document, "")

    return lambda: seconds(lambda: [read(slug) for slug in slugs or ("",)])


def decoding(engine: Engine, stream: str) -> Callable[[], float]:
    with connection(engine) as c:
        rows = events.read_log(c, stream=stream)
    return lambda: seconds(lambda: [codec.decode(row) for row in rows])


def seconds(work: Callable[[], object]) -> float:
    gc.collect()  # Garbage of an earlier contender must not count for this one.
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def at(path: str) -> Resource[Any, Any]:
    return next(r for r in (*irritants.RESOURCES, *relations.RESOURCES) if r.path.endswith(path))


def benchmark(server: Server, rounds: int) -> None:
    engine = open_engine(server.database(), statement_seconds=None)
    fill(engine)
    tune_garbage_collection()
    one = at("/v1/irritants/{relation}/{slug}")
    contenders = {
        "decoding": decoding(engine, f"irritant/{LONG_ONE}/long"),
        "an irritant": reading(engine, one, LONG_ONE, "long"),
        "each by itself": reading(engine, one, BOARD, *(f"i-{n}" for n in range(IRRITANTS))),
        "the board": reading(engine, at("/board"), BOARD),
    }
    done = in_turn(contenders, rounds)
    engine.dispose()
    print(f"{load()}; {rounds} rounds")
    print(
        f"an irritant with {LONG:,} events as of a position: {ratio(done, 'an irritant', 'decoding')} x decoding them"
        f" (goal {GOALS['an irritant']}), {typical(done, 'an irritant') * 1000:.0f} ms"
    )
    singly: Rounds = [{"one": r["each by itself"] / IRRITANTS, **r} for r in done]
    print(
        f"the board of {IRRITANTS} irritants with {EACH} events each: {ratio(singly, 'the board', 'one')} x reading one"
        f" of them (goal {GOALS['the board']}), {typical(done, 'the board') * 1000:.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    add_option(parser)
    arguments = parser.parse_args()
    run_on_each(arguments.database, lambda server: benchmark(server, arguments.rounds))


if __name__ == "__main__":
    main()
