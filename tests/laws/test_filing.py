"""Laws of records that were filed event by event under the rules."""

from typing import Any

from hypothesis import given

from service.domain.catalogue import dump, load
from service.domain.history import History
from service.domain.irritant.state import Irritant
from service.domain.streams import history_of
from service.projections import board, corroboration, dossier, ledger, matrix, needs_confirmation, registers
from service.projections.irritant import view
from tests.laws.histories import STREAM, Draft, drafts, filed

OVER_A_RELATION = (board.view, corroboration.view, ledger.view, matrix.view, needs_confirmation.view, registers.view)


def irritant(planned: list[Draft]) -> History[Irritant]:
    return filed(planned)[STREAM]


@given(drafts())
def test_histories_extended_by_filing_equal_histories_of_the_events(planned: list[Draft]) -> None:
    for stream, history in filed(planned).items():
        anew = history_of(stream, history.events)
        assert (history.order, history.state) == (anew.order, anew.state)


@given(drafts())
def test_no_event_refers_to_itself_through_others(planned: list[Draft]) -> None:
    history = irritant(planned)
    assert all(history.follows_what_it_names(effect.id) for effect in history.order)


@given(drafts())
def test_every_event_survives_storing_and_loading(planned: list[Draft]) -> None:
    """Also corrected events and evidence."""
    for event in irritant(planned).events:
        assert load(event.type, dump(event.data)) == event.data


@given(drafts())
def test_every_document_as_of_a_position_equals_that_of_a_record_that_ends_there(planned: list[Draft]) -> None:
    whole = irritant(planned)
    for n, event in enumerate(whole.events, 1):
        then, ends = whole.as_of(event.position).reading(), history_of(STREAM, whole.events[:n]).reading()
        assert view(then) == view(ends)
        assert dossier.view(then) == dossier.view(ends)
        for over_a_relation in OVER_A_RELATION:
            assert over_a_relation(**alone(then)) == over_a_relation(**alone(ends))


def alone(irritant: Any) -> dict[str, Any]:
    """Return the arguments of a view over a relation with only this irritant."""
    return {"irritants": [irritant], "rounds": [], "relation": history_of("relation/ru-us").reading()}
