"""A server that receives the database's notices late: `python -m tests.api.lagging DATABASE_URL`.

It prints its address. Then it reads delays in milliseconds from its standard input, one per line, and prints each one.
"""

import sys
from threading import Thread

from service.api import app as application
from service.api.server import Server
from service.follower import Follower
from service.settings import Settings


class Lagging(Follower):
    """A follower that handles notices late and has no tick that could compensate."""

    lag = 0.0

    def _on_notice(self) -> None:
        self._loop.call_later(self.lag, super()._on_notice)

    async def _tick(self) -> None:
        """Do nothing."""


def take_lags() -> None:
    for line in sys.stdin:
        Lagging.lag = int(line) / 1000
        print(line.strip(), flush=True)  # noqa: T201  # the parent reads it


if __name__ == "__main__":
    setattr(application, "Follower", Lagging)  # noqa: B010  # this process needs no other follower
    Thread(target=take_lags, daemon=True).start()
    app = application.create_app(Settings(database_url=sys.argv[1]))
    Server(app, "127.0.0.1", 0, lambda address: print(address, flush=True)).run()  # noqa: T201  # the parent reads it
