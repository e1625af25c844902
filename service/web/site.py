"""Add the pages, their files and the pages of errors to the application."""

from fastapi import FastAPI

from service.api.resources.rounds import HTML, SHEET
from service.web import (
    assets,
    board,
    changes,
    comparison,
    dossier,
    errors,
    events,
    help_page,
    login,
    relations,
    reports,
    rounds,
    sources,
)
from service.web.forms import corrections, filing

_ROUTERS = (
    assets.router,
    board.router,
    changes.router,
    comparison.router,
    dossier.router,
    errors.router,
    events.router,
    help_page.router,
    login.router,
    relations.router,
    reports.router,
    rounds.router,
    sources.router,
    filing.router,
    corrections.router,
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
    """Add all pages to the application. Without them it serves the HTTP interface alone."""
    app.state.problem_response = errors.error_response
    app.state.within_limits.update(_WITHIN_LIMITS)
    app.state.attempts = login.Attempts()
    app.state.responder.drawings[SHEET.path] = {HTML: rounds.sheet_html}
    for router in _ROUTERS:
        app.include_router(router)
