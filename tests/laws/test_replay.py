"""Documents that are made from a point on are those that a replay of the whole record makes behind it."""

from itertools import pairwise

from hypothesis import given

from service.domain.assertion import Recorded
from service.read_models.builder import replayed
from tests.laws.histories import STREAM, records


@given(records())
def test_going_on_after_any_report_makes_what_a_whole_replay_makes_behind_it(events: list[Recorded]) -> None:
    whole = list(replayed(STREAM, events))
    for last, first in pairwise(events):
        if first.report != last.report:
            behind = [document for document in whole if document.position > last.position]
            assert list(replayed(STREAM, events, after=last.position)) == behind
