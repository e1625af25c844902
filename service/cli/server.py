"""A serving process: the database brought up to date, an empty record seeded; then the service, until it is stopped."""

import signal
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple

from sqlalchemy import Engine

from service.api import logs
from service.api.app import create_app
from service.api.server import Server
from service.cli import terminal
from service.cli.database import address
from service.cli.terminal import Exit, Failed
from service.rebuild import ensure_built
from service.seeding import seed
from service.settings import Settings
from service.store import keys, migrate
from service.store.engine import open_engine, transaction
from service.store.log import lock_head
from service.web.site import add_pages

_OPERATOR: Final = "operator"


class _Prepared(NamedTuple):
    """How the record was found: how many reports it was seeded with, and a key where it had none."""

    seeded: int
    key: str | None


def serve(chosen: Settings, *, seeding: bool, as_json: bool) -> None:
    """Returns when the process is told to end. Raises Failed."""
    # The embedded database is stopped on the way out, so the default action of just ending is not good enough.
    signal.signal(signal.SIGTERM, terminal.leave)
    with suppress(KeyboardInterrupt), address(chosen, creating=True) as url:
        migrate.upgrade(chosen.migration_database_url or url)
        prepared = _prepare(url, seeding=seeding, with_key=chosen.database_url is None)
        found = chosen.model_copy(update={"database_url": url, "checkpoint_key": chosen.signing_key})
        _serve(found, prepared, as_json=as_json)


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
    def started(address: str) -> None:
        if as_json:
            found = {"address": address, "seeded": prepared.seeded, "key": prepared.key}
            terminal.show_json(found, on_one_line=True)
        else:
            _welcome(address, prepared)

    logs.configure()
    app = create_app(chosen)
    add_pages(app)
    server = Server(app, chosen.host, chosen.port, started, trusted_proxies=chosen.trusted_proxies)
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
