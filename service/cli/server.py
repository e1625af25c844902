"""The process behind `irritants serve`: migrate the database, seed an empty record, and serve until a signal stops it.

`serving.py` has the command.
"""

import signal
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine

from service.api import logs
from service.api.app import create_app
from service.api.server import Server, bind
from service.cli import terminal
from service.cli.database import address
from service.cli.terminal import Exit, Failed
from service.read_models.rebuild import ensure_built
from service.reset import Resettable
from service.seeding import FOLDER, BadSeeds, Seed, seed
from service.seeding import read as read_seeds
from service.settings import Settings
from service.store import keys, migrate
from service.store.engine import connection, open_engine, transaction
from service.store.log import lock_head, read_head
from service.store.replacement import Databases
from service.web.site import add_pages

_OPERATOR: Final = "operator"


def serve(chosen: Settings, *, seeding: bool, as_json: bool) -> None:
    """Serve until SIGTERM or SIGINT. Raises Failed."""
    # SIGTERM must run the clean-up code, which stops an embedded database.
    signal.signal(signal.SIGTERM, terminal.exit_on_signal)
    with ExitStack() as stack:
        # Bind first, so that no record is created if the address is taken.
        sockets = _bind(chosen)
        for bound in sockets:
            stack.enter_context(bound)
        stack.enter_context(suppress(KeyboardInterrupt))
        seeds = _Seeds(chosen, seeding=seeding)
        if chosen.test_mode:
            seeds.read()  # before the database starts, because each reset needs them
        url = stack.enter_context(address(chosen, creating=True))
        migrate.upgrade(chosen.migration_database_url or url)
        seeded = _prepare(url, seeds, chosen)
        complete = chosen.model_copy(update={"database_url": url, "checkpoint_key": chosen.signing_key})
        resettable = Resettable(Databases(url), seeds.read()) if chosen.test_mode else None
        if resettable is not None and not seeded:
            _check(resettable)
        welcome = _Welcome(seeded, in_test_mode=chosen.test_mode, as_json=as_json)
        _serve(complete, url, sockets, welcome, resettable, with_key=chosen.database_url is None)


def _bind(chosen: Settings) -> list[socket.socket]:
    try:
        return bind(chosen.host, chosen.port)
    except OSError as refused:
        raise _cannot_serve(chosen, refused.strerror or str(refused)) from refused


def _cannot_serve(chosen: Settings, why: str) -> Failed:
    return Failed(
        f"cannot serve on {chosen.host}:{chosen.port}: {why}. Choose another address with --host and --port",
        Exit.UNREACHABLE,
    )


class _Seeds:
    """The reports that an empty record begins with, read at the first use."""

    def __init__(self, chosen: Settings, *, seeding: bool) -> None:
        self._path = chosen.seeds or FOLDER if seeding and chosen.has_seeds else None
        self._found: list[Seed] | None = None

    def read(self) -> list[Seed]:
        """Return the reports. Raises Failed for a file with a mistake."""
        if self._found is None:
            try:
                self._found = [] if self._path is None else read_seeds(self._path)
            except BadSeeds as error:
                raise _bad_seeds(error) from error
        return self._found


def _bad_seeds(error: BadSeeds) -> Failed:
    return Failed(f"the record cannot begin with these reports; nothing was written\n{error}", Exit.USAGE)


def _check(resettable: Resettable) -> None:
    """File the seeds in the next record, so that a mistake stops the start and not a reset. Raises Failed."""
    try:
        resettable.prepare()
    except BadSeeds as error:
        raise _bad_seeds(error) from error


def _prepare(url: str, seeds: _Seeds, chosen: Settings) -> int:
    """Seed an empty record, create the first key, and build missing documents. Return the number of seeded reports."""
    engine = open_engine(url, statement_seconds=None)
    try:
        with connection(engine) as c:
            is_empty = read_head(c).position == 0
        try:
            seeded = seed(engine, seeds.read()) if is_empty else 0
        except BadSeeds as error:
            raise _bad_seeds(error) from error
        if chosen.initial_key is not None:
            _create_initial_key(engine, chosen.initial_key.get_secret_value())
        with terminal.progress("building documents") as progress:
            ensure_built(engine, progress)
        return seeded
    finally:
        engine.dispose()


def _create_initial_key(engine: Engine, token: str) -> None:
    with transaction(engine) as c:
        lock_head(c)  # if two processes start at once, only one creates the key
        is_valid = keys.create_first(c, token, _OPERATOR, ("admin",), datetime.now(UTC))
    if not is_valid:
        terminal.note(
            "IRRITANTS_INITIAL_KEY has no effect: the record has other keys. `irritants key list` lists them."
        )


@dataclass(frozen=True)
class _Welcome:
    """The messages that the service prints when it accepts connections. `seeded` counts the seeded reports."""

    seeded: int
    in_test_mode: bool
    as_json: bool

    def show(self, address: str, key: str | None = None) -> None:
        if self.as_json:
            terminal.show_json({"address": address, "seeded": self.seeded, "key": key}, on_one_line=True)
            return
        if self.seeded:
            terminal.note(f"The record was empty. {self.seeded} reports were filed from the seeds.")
        if key:
            terminal.note("The first key was created, with all permissions. Store it now. It is not shown again:")
            terminal.show_text(f"export IRRITANTS_KEY={key}")
        if self.in_test_mode:
            terminal.note("Test mode: POST /v1/test/reset removes all that is filed, and files the seeds again.")
        terminal.note(f"Serving on {address}. Press Ctrl-C to stop.")

    def show_with_first_key(self, address: str, url: str) -> None:
        """Print the address, and create the first key if the record never had a key.

        The key is committed after it is shown. So a start that fails earlier leaves no key, and the next start shows
        one.
        """
        engine = open_engine(url, connections=1)
        try:
            with transaction(engine) as c:
                lock_head(c)  # if two processes start at once, only one creates the key
                if keys.read_all(c):
                    self.show(address)
                elif terminal.is_shown():
                    self.show(address, keys.create(c, _OPERATOR, ("admin",), datetime.now(UTC))[1])
                else:
                    self.show(address)
                    terminal.note(
                        f"No key was created, because it could not be shown: {terminal.UNSEEN}."
                        " Create one with `irritants key create`."
                    )
        finally:
            engine.dispose()


def _serve(
    chosen: Settings,
    url: str,
    sockets: list[socket.socket],
    welcome: _Welcome,
    resettable: Resettable | None,
    *,
    with_key: bool,
) -> None:
    def started(address: str) -> None:
        if with_key:
            welcome.show_with_first_key(address, url)
        else:
            welcome.show(address)

    logs.configure()
    app = create_app(chosen, replaceable=resettable)
    add_pages(app)
    server = Server(app, chosen.host, chosen.port, started, trusted_proxies=chosen.trusted_proxies)
    server.run(sockets)
    if not server.started:
        raise _cannot_serve(chosen, "the service did not start, or another process took the address meanwhile")
