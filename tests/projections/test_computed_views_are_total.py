"""Views over a whole relation accept any history without an error, and each document can be parsed from its bytes."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st
from pydantic import TypeAdapter

from service.domain.round.membership import membership
from service.projections import (
    assertions,
    board,
    corroboration,
    difference,
    dossier,
    ledger,
    matrix,
    needs_confirmation,
    registers,
    sheet,
)
from service.projections.document import Document, rendered
from service.projections.formats import markdown
from tests.build import STREAMS, Filed
from tests.laws import histories
from tests.projections.seeds import nothing
from tests.strategies import records

DAYS = st.none() | st.dates(date(2025, 1, 1), date(2025, 6, 1))

OVER_A_RELATION: dict[str, Callable[..., Document]] = {
    "board": board.view,
    "matrix": matrix.view,
    "ledger": ledger.view,
    "needs_confirmation": needs_confirmation.view,
    "corroboration": corroboration.view,
    "registers": registers.view,
}
TABLES: dict[str, Callable[[Any], str]] = {"board": board.csv, "ledger": ledger.csv}


def reads_back(document: Document) -> None:
    assert TypeAdapter(type(document)).validate_json(rendered(document)) == document


@st.composite
def irritants(draw: st.DrawFn) -> Filed:
    """Draw any events in any order, or events that a desk might file, which are more often related."""
    if draw(st.booleans()):
        return draw(records("irritant"))
    filed = Filed()
    filed.events = draw(histories.records())
    return filed


@st.composite
def readings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a relation with one irritant, one round and any talks, read on some day or at its end."""
    day, certain = draw(DAYS), draw(st.booleans())
    irritant, round, relation = draw(irritants()), draw(records("round")), draw(records("relation"))
    stream = irritant.events[0].stream
    return {
        "irritants": [irritant.reading(stream, day, certain=certain)],
        "rounds": [round.reading(STREAMS["round"], day, certain=certain)],
        "relation": relation.reading(STREAMS["relation"], day, certain=certain),
    }


@pytest.mark.parametrize("name", OVER_A_RELATION)
@whatever(read=readings())
def test_every_relation_has_its_documents(name: str, read: dict[str, Any]) -> None:
    document = OVER_A_RELATION[name](**read)
    reads_back(document)
    if name in TABLES:
        heading, *rows = TABLES[name](document).splitlines()
        assert heading
        assert len(rows) == sum(len(getattr(document, field, ())) for field in ("items", "steps", "proposals"))


@pytest.mark.parametrize("name", OVER_A_RELATION)
def test_an_empty_relation_has_its_documents(name: str) -> None:
    document = OVER_A_RELATION[name](**nothing())
    reads_back(document)
    assert document.model_dump()["position"] == 0


@whatever(read=readings(), on=DAYS)
def test_days_are_counted_from_any_day_or_none(read: dict[str, Any], on: date | None) -> None:
    reads_back(ledger.view(**read, on=on))
    reads_back(registers.view(**read, on=on))


@whatever(filed=irritants(), day=DAYS, after=st.integers(0, 20), limit=st.integers(1, 5))
def test_every_irritant_has_a_paged_dossier(filed: Filed, day: date | None, after: int, limit: int) -> None:
    reading = filed.reading(filed.events[0].stream, day)
    reads_back(dossier.view(reading, after=after, limit=limit))
    reads_back(assertions.view(reading))


@whatever(filed=irritants(), data=st.data())
def test_any_two_readings_have_a_difference(filed: Filed, data: st.DataObject) -> None:
    history = filed.history(filed.events[0].stream)

    def reading() -> Any:
        day, position = data.draw(DAYS), data.draw(st.integers(0, history.position))
        return history.as_of(position).reading(day)

    reads_back(difference.view(reading(), reading()))


@whatever(read=readings(), data=st.data())
def test_every_round_has_its_sheet(read: dict[str, Any], data: st.DataObject) -> None:
    reports = data.draw(st.sets(st.sampled_from([f"r{n}" for n in range(1, 9)])))
    round = read["rounds"][0]
    members = membership([round], read["relation"], dict.fromkeys(reports, round.stream.partition("/")[2]))
    document = sheet.view(round=round, irritants=read["irritants"], relation=read["relation"], members=members)
    reads_back(document)
    assert markdown.markdown(document).startswith("# Round sheet: ")
