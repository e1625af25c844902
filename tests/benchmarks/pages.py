"""Measure the page of a board of two hundred irritants: rendering compared with its JSON, size, and files.

The page is rendered from the document, as the server does once for all clients. Reading the record and sending the
answer are not included.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from service.api.auth import Access
from service.domain.ladder import RUNGS
from service.projections import document
from service.projections.board import AfterRound, BoardCounts, BoardDocument, BoardRound, BoardRow
from service.projections.irritant import Items, LastMoved
from service.web import ladder
from service.web.board import COLUMNS, FLAGS, ORDERS, BoardQuery, section
from service.web.clocks import Clocks, DateSlider, RecordSlider
from service.web.pages import PageRequest
from service.web.rendering import rendered
from tests.benchmarks.measuring import Rounds, in_turn, load, ratio, typical
from tests.web.pages import Page

IRRITANTS = 200
ROUNDS = 12
REPEATS = 120
VISIT = PageRequest(
    "/",
    BoardQuery(),
    cast(Any, SimpleNamespace(position=90_000, chain_hash=bytes(32), record="record")),
    date(2026, 1, 1),
    Access("anybody", ("read",)),
)


def board() -> BoardDocument:
    """Return a board of varied irritants with titles of the usual length."""
    chance = Random(7)
    rounds = [
        BoardRound(
            id=f"ru-us/round-number-{n}",
            name=f"Round Number {n}",
            phase="concluded",
            date=f"2025-{n:02}-10",
            earliest=date(2025, n, 10),
            latest=date(2025, n, 10),
        )
        for n in range(1, ROUNDS + 1)
    ]
    return BoardDocument(
        relation="ru-us",
        title="Russia and the United States",
        parties=("RU", "US"),
        rounds=tuple(rounds),
        items=tuple(row(chance, n, rounds) for n in range(IRRITANTS)),
        names={"RU": "Russia", "US": "the United States"},
        on=None,
        counts=BoardCounts(
            irritants=1, suspended=0, stalled=0, fell_back=0, disputed=0, overdue=None, awaiting={"RU": 1}
        ),
        next=None,
        position=90_000,
    )


def row(chance: Random, number: int, rounds: list[BoardRound]) -> BoardRow:
    course = sorted((sorted(chance.choices(range(8), k=2)) for _ in rounds), key=lambda levels: levels[1])
    rungs = sorted(chance.choices(range(8), k=2))
    reported = chance.randrange(rungs[1], 8)
    day = f"2025-{chance.randrange(1, 13):02}-{chance.randrange(1, 28):02}"
    sides = {"RU": RUNGS[rungs[number % 2]], "US": RUNGS[rungs[1 - number % 2]]}
    return BoardRow(
        id=f"ru-us/an-irritant-of-the-usual-kind-{number}",
        title=f"An irritant of the usual kind, the {number}th of them",
        category="usual",
        headline="Russia says that the substance is agreed; the United States says that it is taken up.",
        disputes=(),
        latest={"RU": None, "US": None},
        stands=("RU",),
        reported_by=("RU",),
        third_parties=(),
        status=RUNGS[rungs[1]],
        confirmed_status=RUNGS[rungs[0]],
        reported_status=RUNGS[reported],
        high_water_mark=RUNGS[chance.randrange(rungs[1], 8)],
        basis="one_side" if rungs[1] else "media_only" if reported else "none",
        origins=chance.randrange(1, 9),
        lifecycle="open",
        hold=chance.choice(["none", "none", "stalled", "suspended"]),
        trend=chance.choice(["advanced", "regressed", "held"]),
        regressions=chance.randrange(3),
        reversible="unknown",
        awaiting=chance.choice(["RU", "US", "both", "none"]),
        items=Items(settled=0, total=chance.choice([0, 0, 0, 6])),
        rungs=sides,
        last_moved=LastMoved(occurred=f"[{day}..]" if number % 3 else day, position=number),
        awaited=(),
        awaits=("the United States: answer to Russia: carry out what was agreed within a month",),
        fell_back=False,
        overdue=None,
        over_the_rounds=tuple(
            AfterRound(round=round.id, status=RUNGS[high], confirmed_status=RUNGS[low], reported_status=RUNGS[high])
            for round, (low, high) in zip(rounds, course, strict=True)
        ),
        position=80_000 + number,
    )


def page(board: BoardDocument) -> bytes:
    return rendered(
        "board.html",
        {
            "visit": VISIT,
            "reading": "",
            "relations": (),
            "sections": [section(board, "irritant", VISIT.today, "")],
            "clocks": Clocks(
                RecordSlider(90_000, datetime(2026, 1, 1, tzinfo=UTC), "A report"), (), DateSlider(1, 9, 9), (), ()
            ),
            "count_links": (),
            "last_positions": [row.position for row in board.items],
            "sides": (),
            "is_filtered": False,
            "flags": FLAGS,
            "counted_to": VISIT.today,
            "columns": COLUMNS,
            "orders": ORDERS,
            "axis": ladder.axis(),
            "symbols": ladder.symbols(),
        },
        "",
    )


def assets(page: bytes) -> int:
    """Return the number of our files that a browser requests before it paints the page."""
    return len([fetched for fetched in Page(page.decode()).fetched if fetched.startswith("/")])


def drawn_and_serialised(board: BoardDocument, repeats: int) -> Rounds:
    """Return the seconds for the page and for its JSON."""
    contenders = {
        "page": lambda: _seconds(lambda: page(board)),
        "json": lambda: _seconds(lambda: document.rendered(board)),
    }
    return in_turn(contenders, repeats)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    of_many = board()
    html, json = page(of_many), document.rendered(of_many)
    rounds = drawn_and_serialised(of_many, REPEATS)
    print("without a database:")
    print(f"a board of {IRRITANTS} irritants over {ROUNDS} rounds; {load()}")
    print(f"drawing it is {ratio(rounds, 'page', 'json')} times serialising its JSON; bound: 5")
    print(f"{typical(rounds, 'page') * 1e3:.1f} ms and {typical(rounds, 'json') * 1e3:.1f} ms")
    print(f"{len(html):,} bytes of HTML, {len(json):,} of JSON; bound: 430,000")
    print(f"{assets(html)} files of ours before it is painted; bound: 3")


if __name__ == "__main__":
    main()
