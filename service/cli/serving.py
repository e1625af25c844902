"""Serving: the database is brought up to date, an empty record seeded; then the service, until it is told to stop."""

import signal
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Annotated, Final, NamedTuple, NoReturn

import typer
from sqlalchemy import Engine

from service import settings
from service.cli import terminal
from service.cli.database import address
from service.cli.options import AsJson, Database
from service.cli.terminal import Exit, Failed
from service.rebuild import ensure_built
from service.reportschema import schema
from service.seeding import seed
from service.settings import Settings
from service.store import keys, migrate
from service.store.engine import open_engine, transaction
from service.store.log import lock_head

_OPERATOR: Final = "operator"


class _Prepared(NamedTuple):
    """How the record was found: how many reports it was seeded with, and a key where it had none."""

    seeded: int
    key: str | None


def serve_command(
    *,
    host: Annotated[str | None, typer.Option(help="Address to serve on (IRRITANTS_HOST).", show_default=False)] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to serve on (IRRITANTS_PORT); 0 takes a free one.", show_default=False)
    ] = None,
    database: Database = None,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="Leave an empty record empty.")] = False,
    as_json: AsJson = False,
) -> None:
    """Migrate, seed an empty record, and serve.

    Without a database it runs an embedded one, whose first start prints an operator key, once.
    """
    chosen = settings.read(host=host, port=port, database_url=database)
    # The embedded database is stopped on the way out, so the default action of just ending is not good enough.
    signal.signal(signal.SIGTERM, _leave)
    with suppress(KeyboardInterrupt), address(chosen) as url:
        migrate.upgrade(chosen.migration_database_url or url)
        prepared = _prepare(url, seeding=not no_seed, with_key=chosen.database_url is None)
        _serve(chosen.model_copy(update={"database_url": url}), prepared, as_json=as_json)


def openapi_command(
    *,
    reports: Annotated[
        bool, typer.Option("--reports", help="The JSON Schema of report files instead, for editors.")
    ] = False,
    as_json: AsJson = False,  # noqa: ARG001 -- it is JSON in any case
) -> None:
    """Print the interface as an OpenAPI document."""
    from service.api.app import create_app  # noqa: PLC0415 -- half a second that only this command and `serve` need

    unconnected = Settings(database_url="postgresql://")
    terminal.show_json(schema() if reports else create_app(unconnected).openapi())


def _prepare(url: str, *, seeding: bool, with_key: bool) -> _Prepared:
    engine = open_engine(url, statement_seconds=None)
    try:
        seeded = seed(engine) if seeding else 0
        with terminal.progress("making documents") as progress:
            ensure_built(engine, progress)
        return _Prepared(seeded, _first_key(engine) if with_key else None)
    finally:
        engine.dispose()


def _first_key(engine: Engine) -> str | None:
    """A key for whoever started the record; None where there was ever one."""
    with transaction(engine) as c:
        lock_head(c)  # of two processes that start at once only one makes it
        return None if keys.read_all(c) else keys.create(c, _OPERATOR, ("admin",), datetime.now(UTC))[1]


def _serve(chosen: Settings, prepared: _Prepared, *, as_json: bool) -> None:
    from service.api import logs  # noqa: PLC0415 -- as in `openapi_command`
    from service.api.app import create_app  # noqa: PLC0415
    from service.api.server import Server  # noqa: PLC0415
    from service.web.site import add_pages  # noqa: PLC0415

    def started(address: str) -> None:
        if as_json:
            found = {"address": address, "seeded": prepared.seeded, "key": prepared.key}
            terminal.show_json(found, on_one_line=True)
        else:
            _welcome(address, prepared)

    logs.configure()
    app = create_app(chosen)
    add_pages(app)
    server = Server(app, chosen.host, chosen.port, started)
    server.run()
    if not server.started:
        raise Failed(f"{chosen.host}:{chosen.port} cannot be served on", Exit.UNREACHABLE)


def _welcome(address: str, prepared: _Prepared) -> None:
    if prepared.seeded:
        terminal.note(f"The record was empty: {prepared.seeded} reports were filed from the seeds.")
    if prepared.key:
        terminal.note(
            "This record has no key yet. Here is one that may do everything; it is shown now and never again:"
        )
        terminal.show(f"export IRRITANTS_KEY={prepared.key}")
    terminal.note(f"Serving on {address}; Ctrl-C ends it.")


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 -- as a handler is called
    raise SystemExit(Exit.DONE)
