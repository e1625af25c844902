"""The pages put onto the application: their routes, their files, and how they tell a browser that it is refused."""

from fastapi import FastAPI

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


def add_pages(app: FastAPI) -> None:
    """Whoever serves the application calls this once; without it the interface is there alone."""
    app.state.told = refusals.told
    app.state.attempts = entrance.Attempts()
    app.state.reader.drawings[rounds.DRAWN] = rounds.drawn
    for router in _ROUTERS:
        app.include_router(router)
