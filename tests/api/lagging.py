"""A server whose database's notices come late: `python -m tests.api.lagging DATABASE_URL`.

It says where it serves, and then takes from its input how many milliseconds late, line by line, and says each again.
"""

import sys
from threading import Thread

from service.api import app as application
from service.api.server import Server
from service.follower import Follower
from service.settings import Settings


class Lagging(Follower):
    """Hears of commits so many seconds late, and has no tick to make up for it."""

    lag = 0.0

    def _on_notice(self) -> None:
        self._loop.call_later(self.lag, super()._on_notice)

    async def _tick(self) -> None:
        """Never looks by itself."""


def take_lags() -> None:
    for line in sys.stdin:
        Lagging.lag = int(line) / 1000
        print(line.strip(), flush=True)  # noqa: T201  # who gave it reads


if __name__ == "__main__":
    setattr(application, "Follower", Lagging)  # noqa: B010  # in this process the other one is not wanted
    Thread(target=take_lags, daemon=True).start()
    app = application.create_app(Settings(database_url=sys.argv[1]))
    Server(app, "127.0.0.1", 0, lambda address: print(address, flush=True)).run()  # noqa: T201  # who started it reads
