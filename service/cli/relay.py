"""The process behind `irritants relay`: publish events until a signal stops it. `relaying.py` has the command."""

import asyncio
import signal
from contextlib import suppress

from sqlalchemy import Engine

from service.api import logs
from service.cli import labels, terminal
from service.cli.database import address, engine_at
from service.cli.terminal import Failed
from service.domain.handling import Labels
from service.follower import Follower
from service.relay import Refused, Relay, Target
from service.settings import Settings
from service.store.audience import read_labels
from service.store.engine import connection, open_engine


def relay(chosen: Settings, *, stream: str, prefix: str, replicas: int, credentials: str | None) -> None:
    """Publish events until SIGTERM or SIGINT. Raises Failed."""
    assert chosen.nats_url is not None
    # SIGTERM must run the clean-up code, which stops an embedded database.
    signal.signal(signal.SIGTERM, terminal.exit_on_signal)
    logs.configure()
    audience = chosen.relay_clearance
    target = Target(chosen.nats_url.get_secret_value(), stream, prefix, replicas, credentials, audience)
    with address(chosen) as url, engine_at(url, chosen, statement_seconds=5) as engine:
        with connection(engine) as c:
            known = Labels({label.name: label.rank for label in read_labels(c)})
        rank = labels.known(known, audience, "IRRITANTS_RELAY_CLEARANCE")
        try:
            asyncio.run(_until_stopped(url, engine, rank, target))
        except Refused as refused:
            raise Failed(str(refused)) from refused


async def _until_stopped(url: str, primary: Engine, rank: int, target: Target) -> None:
    engine = open_engine(url, clearance=rank)
    follower = Follower(url, engine, clearance=rank, primary=primary)
    await follower.start()
    running = asyncio.create_task(Relay(url, follower, target).run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    try:
        with suppress(asyncio.CancelledError):
            await running
    finally:
        await follower.close()
        engine.dispose()
