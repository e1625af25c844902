"""The pages put onto the application: their routes, their files, and how they tell a browser that it is refused."""

from fastapi import FastAPI

from service.web import assets, board, entrance, refusals

_ROUTERS = (assets.router, board.router, entrance.router)


def add_pages(app: FastAPI) -> None:
    """Whoever serves the application calls this once; without it the interface is there alone."""
    app.state.told = refusals.told
    app.state.attempts = entrance.Attempts()
    for router in _ROUTERS:
        app.include_router(router)
