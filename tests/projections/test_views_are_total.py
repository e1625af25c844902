"""Views accept any prefix of any history without an error, and each document can be parsed from its bytes."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from service.domain.assertion import Assertion
from service.domain.catalogue import EVENT_TYPES, KINDS, ON_ANY_STREAM, Kind, load
from service.domain.history import StreamAtPoint
from service.projections import relation, source
from service.projections import round as round_
from service.projections.document import rendered
from tests.build import STREAMS, Filed, given
from tests.strategies import payloads, records

VIEWS: dict[Kind, Callable[[StreamAtPoint[Any]], Any]] = {
    "round": round_.view,
    "relation": relation.view,
    "source": source.view,
}


@pytest.mark.parametrize("kind", VIEWS)
@whatever(data=st.data())
def test_every_prefix_has_a_document_that_reads_back(kind: Kind, data: st.DataObject) -> None:
    events = data.draw(records(kind)).events
    for length in range(len(events) + 1):
        prefix = Filed()
        prefix.events = events[:length]
        document = VIEWS[kind](prefix.reading(STREAMS[kind]))
        assert type(document).model_validate_json(rendered(document)) == document


@pytest.mark.parametrize("kind", VIEWS)
@pytest.mark.parametrize("certain", [False, True])
@whatever(data=st.data())
def test_every_day_has_a_document_that_reads_back(kind: Kind, data: st.DataObject, *, certain: bool) -> None:
    filed = data.draw(records(kind))
    day = data.draw(st.dates(date(2025, 2, 1), date(2025, 6, 1)))
    document = VIEWS[kind](filed.reading(STREAMS[kind], day, certain=certain))
    assert type(document).model_validate_json(rendered(document)) == document


@pytest.mark.parametrize("kind", ["irritant", "round", "relation"])
@whatever(data=st.data())
def test_any_assertion_can_be_listed_with_its_source(kind: Kind, data: st.DataObject) -> None:
    filed = data.draw(records(kind))
    document = source.view(filed.reading("source/a0"), [filed.reading(STREAMS[kind])])
    assert len(document.assertions) == len([e for e in filed.history(STREAMS[kind]).order if e.assertion])


ASSERTED: list[tuple[Kind, str]] = [
    (kind, type)
    for kind in ("round", "relation")
    for type in sorted(KINDS[kind] - ON_ANY_STREAM)
    if issubclass(EVENT_TYPES[type], Assertion)
]


@pytest.mark.parametrize(("kind", "type"), ASSERTED)
@whatever(data=st.data())
def test_every_type_of_assertion_is_shown(kind: Kind, type: str, data: st.DataObject) -> None:
    event = load(type, {**data.draw(payloads(type)), **({"party": "US"} if type == "DelegationHeadNamed" else {})})
    document = VIEWS[kind](given(event, stream=STREAMS[kind]).filed.reading(STREAMS[kind]))
    assert b'"evidence":[{"event":"e1"' in rendered(document)


@pytest.mark.parametrize("kind", VIEWS)
@whatever(data=st.data())
def test_a_document_depends_only_on_its_history(kind: Kind, data: st.DataObject) -> None:
    filed = data.draw(records(kind))
    grown = Filed().history(STREAMS[kind])
    for event in filed.events:
        grown.append(event)
    assert rendered(VIEWS[kind](grown.reading())) == rendered(VIEWS[kind](filed.reading(STREAMS[kind])))
