"""The page of a relation, `/relations/…`: talks, rounds, position matrix, next steps, and what needs confirmation."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.parameters import AsOfQuery
from service.api.resources import Snapshot
from service.api.resources.relations import (
    BOARD,
    LEDGER,
    MATRIX,
    NEEDS_CONFIRMATION,
    ONE,
    REGISTERS,
    OnQuery,
    RelationBoardQuery,
)
from service.api.resources.rounds import LIST, RoundsQuery
from service.projections.ledger import LedgerDocument
from service.projections.matrix import MatrixDocument
from service.projections.needs_confirmation import NeedsConfirmationDocument, Unconfirmed
from service.projections.registers import RegistersDocument
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.web.course import course
from service.web.pages import PageRequest, Template, page_response
from service.web.paging import PagedQuery, part_of

router: Final = APIRouter(include_in_schema=False)

_MOST_ROUNDS: Final = 1_000


@router.get("/relations/{relation}")
async def relation(request: Request) -> Response:
    return await page_response(request, PagedQuery, _relation)


def _relation(visit: PageRequest[PagedQuery], snapshot: Snapshot) -> Template:
    relation, on = visit.path_parameters["relation"], visit.query.effective_on or visit.today
    point, counted = visit.at_point(AsOfQuery), visit.at_point(OnQuery, on=on)
    talks = snapshot.read(ONE, point, relation=relation).document
    rounds = visit.at_point(RoundsQuery, relation=relation, limit=_MOST_ROUNDS)
    values = template_values(
        talks,
        snapshot.read(LIST, rounds).documents,
        snapshot.read(MATRIX, point, relation=relation),
        snapshot.read(LEDGER, counted, relation=relation),
        snapshot.read(NEEDS_CONFIRMATION, counted, relation=relation),
        snapshot.read(REGISTERS, counted, relation=relation),
        visit.query.after,
    )
    board = snapshot.read(BOARD, visit.at_point(RelationBoardQuery, on=on), relation=relation)
    shown = {row.irritant for row in values["rows"].items}
    return Template("relation.html", {**values, "course": course(board, shown, on), "counted_to": on})


def template_values(
    talks: RelationDocument,
    rounds: Sequence[RoundDocument],
    matrix: MatrixDocument,
    ledger: LedgerDocument,
    needs: NeedsConfirmationDocument,
    registers: RegistersDocument,
    after: str | None = None,
) -> dict[str, Any]:
    """Return the values for the template. The page shows the part of the irritants that follows `after`."""
    rows = part_of(matrix.items, after, attrgetter("irritant"))
    irritants = {row.irritant for row in rows.items}
    others = irritants | {None} if rows.first == 1 else irritants
    about = {f"irritant/{id}" for id in irritants}
    return {
        "relation": talks,
        "rounds": sorted(rounds, key=_by_day),
        "matrix": matrix,
        "rows": rows,
        "steps": [step for step in ledger.steps if step.irritant in others],
        "proposals": [proposal for proposal in ledger.proposals if proposal.irritant in irritants],
        "registers": registers,
        "needs": [
            (stream, list(items))
            for stream, items in groupby(needs.items, key=_about)
            if stream in about or (rows.first == 1 and not stream.startswith("irritant/"))
        ],
        "names": {row.irritant: row.title for row in matrix.items},
    }


def _by_day(round: RoundDocument) -> tuple[bool, Any, str]:
    """Return the sort key of a round. Rounds without a date come last."""
    return round.latest is None, round.latest, round.id


def _about(item: Unconfirmed) -> str:
    return item.about
