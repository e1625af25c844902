"""A server whose database's notices come late: `python -m tests.api.lagging DATABASE_URL MILLISECONDS`."""

import sys

from service.api import app as application
from service.api.server import Server
from service.follower import Follower
from service.settings import Settings


class Lagging(Follower):
    """Hears of commits so many seconds late, and has no tick to make up for it."""

    lag = 0.0

    def _noticed(self) -> None:
        self._loop.call_later(self.lag, super()._noticed)

    async def _tick(self) -> None:
        """Never looks by itself."""


if __name__ == "__main__":
    _, url, milliseconds = sys.argv
    Lagging.lag = int(milliseconds) / 1000
    setattr(application, "Follower", Lagging)  # noqa: B010  # in this process the other one is not wanted
    app = application.create_app(Settings(database_url=url))
    Server(app, "127.0.0.1", 0, lambda address: print(address, flush=True)).run()  # noqa: T201  # who started it reads
