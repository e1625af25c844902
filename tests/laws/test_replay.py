"""A replay from a position makes the same documents as a replay of the whole record."""

from itertools import pairwise

from hypothesis import given

from service.domain.assertion import Recorded
from service.read_models.builder import replayed
from tests.laws.histories import STREAM, records


@given(records())
def test_a_replay_after_any_report_makes_the_same_documents_as_a_complete_replay(events: list[Recorded]) -> None:
    whole = list(replayed(STREAM, events))
    for last, first in pairwise(events):
        if first.report != last.report:
            behind = [document for document in whole if document.position > last.position]
            assert list(replayed(STREAM, events, after=last.position)) == behind
