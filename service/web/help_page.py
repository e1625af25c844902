"""How to read the pages, `/help`. The examples are from the seeds, drawn as on the board."""

from typing import Final

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from service.api.resources import Snapshot
from service.domain.ladder import RUNGS, Rung
from service.web import ladder
from service.web.pages import NoQuery, PageRequest, Template, page_response
from service.web.standing import Rungs, Standing

router: Final = APIRouter(include_in_schema=False)

_DATES: Final = (
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
            "banking": _example((("RU", "understanding"), ("US", "formalised")), reported="formalised"),
            "property": _example((("RU", "proposed"), ("US", "unstated")), reported="in_talks"),
            "reversed": _example((("RU", "in_talks"), ("US", "in_talks")), reported="in_talks", high="formalised"),
        },
        "movement": ladder.movement((("", "raised", "unstated"), ("", "formalised", "understanding")), *_NOW),
        "dates": _DATES,
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }
    return Template("help.html", values)


_NOW: Final[tuple[Rung, Rung]] = ("formalised", "understanding")


def _example(rungs: Rungs, reported: Rung, high: Rung | None = None) -> Markup:
    there = sorted((rung for _, rung in rungs), key=RUNGS.index)
    lower, higher = there[0], there[-1]
    return ladder.ladder(
        Standing(
            rungs,
            high or higher,
            higher,
            lower,
            reported,
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
