"""Add all pages to the application: their routes, their files, and the pages of errors."""

from fastapi import FastAPI

from service.api.resources.rounds import HTML, SHEET
from service.web import (
    assets,
    board,
    changes,
    comparison,
    dossier,
    downloads,
    errors,
    events,
    guides,
    help_page,
    login,
    relations,
    reports,
    rounds,
    search,
    sources,
)
from service.web.docs_page import docs_page
from service.web.forms import corrections, filing, report_corrections

_ROUTERS = (
    assets.router,
    board.router,
    changes.router,
    comparison.router,
    dossier.router,
    downloads.router,
    errors.router,
    events.router,
    help_page.router,
    login.router,
    relations.router,
    reports.router,
    rounds.router,
    search.router,
    sources.router,
    guides.router,
    filing.router,
    corrections.router,
    report_corrections.router,
)


_PATHS_THAT_CHECK_LIMITS = (
    "/",
    "/changes",
    "/correct/{id}",
    "/correct/{id}/preview",
    "/events/{id}",
    "/file",
    "/file/date",
    "/file/preview",
    "/help",
    "/help/{name}",
    "/problems",
    "/reports",
    "/reports/{id}",
    "/reports/{id}/correct",
    "/reports/{id}/correct/preview",
    "/retract/{id}",
    "/retract/{id}/preview",
    "/search",
    "/sign-out",
    "/sources",
    "/sources/{slug}",
)
"""Pages of the whole record that themselves limit what they show to the relations of the key.

`service.api.limits` refuses all other pages of the whole record to a limited visitor.
"""


def add_pages(app: FastAPI) -> None:
    """Add all pages to the application. Without them it serves only the HTTP interface."""
    app.state.problem_response = errors.error_response
    app.state.paths_that_check_limits.update(_PATHS_THAT_CHECK_LIMITS)
    app.state.docs_page = docs_page
    app.state.failed_sign_ins = login.FailedSignIns()
    # The sheet is the only resource with HTML. `/v1/rounds/…/sheet` gets it from the page.
    app.state.responder.page_renderers[SHEET.path] = {HTML: rounds.sheet_html}
    for router in _ROUTERS:
        app.include_router(router)
