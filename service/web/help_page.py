"""The help page, `/help`: how to read the board and the dossier, with examples from the seeds."""

from collections.abc import Iterator
from typing import Final

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from service.api.resources import Snapshot
from service.domain.catalogue import EVENT_TYPES, KINDS, ON_ANY_STREAM
from service.domain.ladder import RUNGS, Rung
from service.web import ladder
from service.web.formatting import event_label
from service.web.forms.controls import explanation
from service.web.pages import NoQuery, PageRequest, Template, page_response
from service.web.standing import Rungs, Standing

router: Final = APIRouter(include_in_schema=False)

_EXAMPLE_DATES: Final = (
    "2025-04-10",
    "2025-04-10~",
    "[2025-04-10..]",
    "[..2025-04-10]",
    "[2025-02-27..2025-04-10]",
    "2025-04-10/..",
    "2025-04",
)


@router.get("/help")
async def help_page(request: Request) -> Response:
    return await page_response(request, NoQuery, _help)


def _help(_visit: PageRequest[NoQuery], _snapshot: Snapshot) -> Template:
    values = {
        "rungs": RUNGS,
        "examples": {
            "banking": _ladder((("RU", "understanding"), ("US", "formalised")), reported="formalised"),
            "property": _ladder((("RU", "proposed"), ("US", "unstated")), reported="in_talks"),
            "reversed": _ladder((("RU", "in_talks"), ("US", "in_talks")), reported="in_talks", highest="formalised"),
        },
        "movement": ladder.movement(_EXAMPLE_ROUNDS, claimed="formalised", confirmed="understanding"),
        "dates": _EXAMPLE_DATES,
        "types_by_kind": list(_types_by_kind()),
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }
    return Template("help.html", values)


def _types_by_kind() -> Iterator[tuple[str, list[tuple[str, Markup, Markup]]]]:
    """Yield each kind of stream with its types of events: name, label and meaning.

    `any` is last, with the types that every stream can have.
    """
    for kind, types in (*KINDS.items(), ("any", ON_ANY_STREAM)):
        own = types if kind == "any" else types - ON_ANY_STREAM
        yield kind, [(type, event_label(type), explanation(type)) for type in EVENT_TYPES if type in own]


_EXAMPLE_ROUNDS: Final[tuple[ladder.StatusesAfterRound, ...]] = (
    ("", "raised", "unstated"),
    ("", "formalised", "understanding"),
)
"""Two rounds without names, for the example of a movement."""


def _ladder(rungs: Rungs, reported: Rung, highest: Rung | None = None) -> Markup:
    """Return the ladder of an invented irritant. `highest`: the highest rung ever claimed, if a side has fallen."""
    confirmed, claimed = sorted((rung for _, rung in rungs), key=RUNGS.index)
    return ladder.ladder(
        Standing(
            rungs,
            high_water=highest or claimed,
            claimed=claimed,
            confirmed=confirmed,
            reported=reported,
            # A ladder does not show the rest.
            basis="one_side",
            origins=1,
            lifecycle="open",
            hold="none",
            trend="held",
            regressions=0,
            reversible="unknown",
            awaiting="none",
            settled=0,
            total=0,
        )
    )
