"""A board of two hundred irritants: how much it weighs, and how long it takes to draw beside its JSON."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from random import Random
from time import perf_counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from service.api.auth import Access
from service.api.reading import Reader
from service.domain.ladder import RUNGS
from service.projections import document
from service.projections.board import AfterRound, BoardDocument, BoardRound, BoardRow
from service.projections.irritant import Items, LastMoved
from service.web import ladder
from service.web.board import BoardQuery, section
from service.web.clocks import Clocks, Known, World
from service.web.rendering import rendered
from service.web.visit import Visit

IRRITANTS = 200
ROUNDS = 12
REPEATS = 40
VISIT = Visit(
    "/",
    BoardQuery(),
    cast(Any, SimpleNamespace(position=90_000, chain_hash=bytes(32))),
    date(2026, 1, 1),
    Access("anybody", ("read",)),
    cast(Reader, None),
)


@pytest.fixture(scope="module")
def board() -> BoardDocument:
    """Irritants that have little in common, with titles of the usual length."""
    chance = Random(7)
    rounds = [
        BoardRound(id=f"ru-us/round-number-{n}", phase="concluded", date=f"2025-{n:02}-10", latest=date(2025, n, 10))
        for n in range(1, ROUNDS + 1)
    ]
    return BoardDocument(
        relation="ru-us",
        title="Russia and the United States",
        parties=("RU", "US"),
        rounds=tuple(rounds),
        items=tuple(row(chance, n, rounds) for n in range(IRRITANTS)),
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
            "relations": (),
            "sections": [section(board, "irritant", VISIT.today, "")],
            "clocks": Clocks(Known(90_000, datetime(2026, 1, 1, tzinfo=UTC), "A report"), (), World(1, 9, 9), ()),
            "counted_to": VISIT.today,
            "axis": ladder.axis(),
            "symbols": ladder.symbols(),
        },
    )


def seconds(work: Callable[[], object]) -> Iterator[float]:
    while True:
        began = perf_counter()
        work()
        yield perf_counter() - began


def test_it_weighs_less_than_400_kilobytes(board: BoardDocument) -> None:
    assert len(page(board)) <= 400_000


def test_it_takes_at_most_five_times_as_long_as_its_json(board: BoardDocument) -> None:
    drawing, serialising = seconds(lambda: page(board)), seconds(lambda: document.rendered(board))
    times = [(next(drawing), next(serialising)) for _ in range(REPEATS)]
    assert min(drawn for drawn, _ in times) <= 5 * min(serialised for _, serialised in times)
