"""The pages put onto the application: their routes, their files, and how they tell a browser that it is refused."""

from fastapi import FastAPI

from service.api.resources.rounds import HTML, SHEET
from service.web import (
    amending,
    assets,
    board,
    changes,
    comparison,
    dossier,
    entrance,
    events,
    explaining,
    filing,
    refusals,
    relations,
    reports,
    rounds,
    sources,
)

_ROUTERS = (
    assets.router,
    board.router,
    dossier.router,
    comparison.router,
    rounds.router,
    relations.router,
    changes.router,
    sources.router,
    events.router,
    explaining.router,
    entrance.router,
    filing.router,
    amending.router,
    reports.router,
)


_WITHIN_LIMITS = (
    "/",
    "/changes",
    "/correct/{id}",
    "/correct/{id}/preview",
    "/events/{id}",
    "/file",
    "/file/date",
    "/file/preview",
    "/help",
    "/problems",
    "/reports/{id}",
    "/retract/{id}",
    "/retract/{id}/preview",
    "/sign-out",
    "/sources",
    "/sources/{slug}",
)
"""Pages that keep to a visitor's limit by themselves; see `limits.within_limits`."""


def add_pages(app: FastAPI) -> None:
    """Whoever serves the application calls this once; without it the interface is there alone."""
    app.state.problem_response = refusals.told
    app.state.within_limits.update(_WITHIN_LIMITS)
    app.state.attempts = entrance.Attempts()
    app.state.responder.drawings[SHEET.path] = {HTML: rounds.drawn}
    for router in _ROUTERS:
        app.include_router(router)
