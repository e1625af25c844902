"""The process of the service: migrate the database, seed an empty record, and serve until it is stopped."""

import signal
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from service.api import logs
from service.api.app import create_app
from service.api.server import Server, bind
from service.cli import terminal
from service.cli.database import address
from service.cli.terminal import Exit, Failed
from service.read_models.rebuild import ensure_built
from service.seeding import seed
from service.settings import Settings
from service.store import keys, migrate
from service.store.engine import open_engine, transaction
from service.store.log import lock_head
from service.web.site import add_pages

_OPERATOR: Final = "operator"


def serve(chosen: Settings, *, seeding: bool, as_json: bool) -> None:
    """Serve until SIGTERM or SIGINT. Raises Failed."""
    # The embedded database must be stopped on the way out, so the process must not just end.
    signal.signal(signal.SIGTERM, terminal.leave)
    with ExitStack() as leaving:
        # Bind first, so that no record is created if the address is taken.
        sockets = _bound(chosen)
        for bound in sockets:
            leaving.enter_context(bound)
        leaving.enter_context(suppress(KeyboardInterrupt))
        url = leaving.enter_context(address(chosen, creating=True))
        migrate.upgrade(chosen.migration_database_url or url)
        seeded = _prepare(url, seeding=seeding)
        found = chosen.model_copy(update={"database_url": url, "checkpoint_key": chosen.signing_key})
        _serve(found, url, sockets, _Welcome(seeded, as_json=as_json), with_key=chosen.database_url is None)


def _bound(chosen: Settings) -> list[socket.socket]:
    try:
        return bind(chosen.host, chosen.port)
    except OSError as refused:
        raise _not_served(chosen, refused.strerror or str(refused)) from refused


def _not_served(chosen: Settings, why: str) -> Failed:
    return Failed(
        f"cannot serve on {chosen.host}:{chosen.port}: {why}. Choose another address with --host and --port",
        Exit.UNREACHABLE,
    )


def _prepare(url: str, *, seeding: bool) -> int:
    """Seed the record if asked to, and build missing documents. Return the number of seeded reports."""
    engine = open_engine(url, statement_seconds=None)
    try:
        seeded = seed(engine) if seeding else 0
        with terminal.progress("building documents") as progress:
            ensure_built(engine, progress)
        return seeded
    finally:
        engine.dispose()


@dataclass(frozen=True)
class _Welcome:
    """What the server prints when it accepts connections."""

    seeded: int
    as_json: bool

    def say(self, address: str, key: str | None = None) -> None:
        if self.as_json:
            terminal.show_json({"address": address, "seeded": self.seeded, "key": key}, on_one_line=True)
            return
        if self.seeded:
            terminal.note(f"The record was empty. {self.seeded} reports were filed from the seeds.")
        if key:
            terminal.note("The first key was created, with all permissions. Store it now. It is not shown again:")
            terminal.show_text(f"export IRRITANTS_KEY={key}")
        terminal.note(f"Serving on {address}. Press Ctrl-C to stop.")

    def say_with_first_key(self, address: str, url: str) -> None:
        """Print the address, and create the first key if the record never had one.

        The key is committed after it is shown. A start that fails earlier leaves no unseen key, and the next
        start shows one.
        """
        engine = open_engine(url, connections=1)
        try:
            with transaction(engine) as c:
                lock_head(c)  # of two processes that start at once, one creates it
                if keys.read_all(c):
                    self.say(address)
                elif terminal.is_shown():
                    self.say(address, keys.create(c, _OPERATOR, ("admin",), datetime.now(UTC))[1])
                else:
                    self.say(address)
                    terminal.note(
                        f"No key was created, because it could not be shown: {terminal.UNSEEN}."
                        " Create one with `irritants key create`."
                    )
        finally:
            engine.dispose()


def _serve(chosen: Settings, url: str, sockets: list[socket.socket], welcome: _Welcome, *, with_key: bool) -> None:
    def started(address: str) -> None:
        if with_key:
            welcome.say_with_first_key(address, url)
        else:
            welcome.say(address)

    logs.configure()
    app = create_app(chosen)
    add_pages(app)
    server = Server(app, chosen.host, chosen.port, started, trusted_proxies=chosen.trusted_proxies)
    server.run(sockets)
    if not server.started:
        raise _not_served(chosen, "the service did not start, or another process took the address meanwhile")
