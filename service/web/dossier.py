"""The dossier, `/irritants/…`: everything on record about one irritant."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.parameters import written
from service.api.resources import Snapshot
from service.api.resources.irritants import DOSSIER
from service.api.resources.relations import BOARD, REGISTERS, OnQuery
from service.api.resources.timelines import TimelineQuery
from service.projections.board import BoardRound
from service.projections.dossier import DossierDocument
from service.projections.headline import awaited_in_short
from service.projections.registers import RegistersDocument
from service.projections.timeline import Entry
from service.projections.words.bidi import isolated
from service.web import ladder
from service.web.clocks import ClocksQuery, clocks, redirect_to_chosen_point
from service.web.events import EVENTS_ON_A_PAGE, EventsQuery
from service.web.formatting import days_ago_in_words, event_label, names_in_use, uncapitalised
from service.web.messages import messages
from service.web.pages import PageRequest, Template, page_response
from service.web.standing import basis_in_words, holds_and_setbacks, standing_of_irritant
from service.web.timeline import plot

router: Final = APIRouter(include_in_schema=False)


class DossierQuery(ClocksQuery, EventsQuery):
    """The parameters of a dossier: the point in time, and the page of the timeline."""

    @property
    def without_point(self) -> dict[str, object]:
        """Return the parameters that also hold at another point: the length of a page, unless it is the default."""
        return {"limit": self.limit if self.limit != EVENTS_ON_A_PAGE else None}


@router.get("/irritants/{relation}/{slug}")
async def dossier(request: Request) -> Response:
    return await page_response(request, DossierQuery, _dossier)


def _dossier(visit: PageRequest[DossierQuery], snapshot: Snapshot) -> Template:
    query, relation = visit.query, visit.path_parameters["relation"]
    present = snapshot.read(DOSSIER, written(TimelineQuery, limit=query.limit), **visit.path_parameters)
    rounds = snapshot.read(BOARD, relation=relation).rounds
    dates = [*(entry.occurred for entry in present.timeline.items), *(round.date for round in rounds)]
    mistakes = redirect_to_chosen_point(visit, snapshot, dates, **query.without_point)
    timeline_page = visit.at_point(TimelineQuery, after=query.after, limit=query.limit)
    document = snapshot.read(DOSSIER, timeline_page, **visit.path_parameters)
    registers = snapshot.read(REGISTERS, visit.at_point(OnQuery), relation=relation)
    values = {
        **template_values(document, registers, rounds, query.effective_on or visit.today),
        "clocks": clocks(visit, snapshot, dates, rounds, mistakes),
    }
    return Template("dossier.html", values)


def template_values(
    dossier: DossierDocument, registers: RegistersDocument, rounds: Sequence[BoardRound], counted_to: date
) -> dict[str, Any]:
    """Return the values for the template. The time since the last move is counted to the day `counted_to`."""
    irritant = dossier.irritant
    standing = standing_of_irritant(irritant)
    entries = {entry.event: entry for entry in dossier.timeline.items}
    return {
        "dossier": dossier,
        "irritant": irritant,
        "standing": standing,
        "sentence": irritant.headline,
        "awaits": awaited_in_short(irritant, names_in_use()),
        "basis": basis_in_words(standing),
        "holds_and_setbacks": holds_and_setbacks(standing),
        "last_moved_ago": days_ago_in_words(irritant.last_moved.occurred, counted_to),
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
        "ladder": ladder.ladder(standing),
        "plot": plot(dossier.timeline.items, tuple(irritant.parties), rounds, _labels(entries)),
        "entries": entries,
        "event_rounds": dossier.rounds,
        "event_rounds_by": dossier.rounds_by,
        "evidence": {assertion.event: assertion for assertion in dossier.evidence},
        "listed": {item.item: item.listed for item in registers.items if item.irritant == irritant.id},
        "rounds": rounds,
    }


def _labels(entries: Mapping[str, Entry]) -> Mapping[str, str]:
    """Return the label of each mark on the timeline, by event: its number, its event type, and the wording.

    Items that one document lists together share one mark, so that they do not fill the timeline.
    """
    statements = (entry for entry in entries.values() if "asserted_by" in entry.data)
    marks = [list(group) for _, group in groupby(statements, key=_mark_key)]
    return {entries_of_mark[0].event: _label(entries_of_mark) for entries_of_mark in marks}


def _mark_key(entry: Entry) -> tuple[object, ...]:
    """Return a key that successive entries share if they have one mark."""
    if entry.type != "ItemAdded" or not entry.stands:
        return (entry.place,)
    return (entry.type, entry.occurred, entry.data["asserted_by"]["party"], entry.data["source"]["document"])


def _label(entries: Sequence[Entry]) -> str:
    first, last = entries[0], entries[-1]
    place = str(first.place) if first is last else messages()("timeline.several", first=first.place, last=last.place)
    words = f"{place} {uncapitalised(event_label(first.type))}"
    wording = first.data.get("wording")
    return f"{words} {messages()('said.wording', wording=isolated(wording))}" if wording else words
