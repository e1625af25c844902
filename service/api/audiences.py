"""Give each audience its own follower and caches, which read through the views of `store.audience`.

They start with the first reader from whom a part of the record is withheld. Until then all readers share those of the
whole record.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Engine

from service.api.responder import Responder
from service.follower import Follower
from service.settings import Settings
from service.store.engine import open_engine

_CONNECTIONS: Final = 4


@dataclass
class Audiences:
    """The responders of the audiences of one process, by rank. `whole` is the one for the whole record."""

    whole: Responder
    primary: Engine
    url: str
    settings: Settings
    _responders: dict[int, Responder] = field(default_factory=dict)
    _engines: list[Engine] = field(default_factory=list)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.whole.of_audience = self.of

    async def of(self, rank: int) -> Responder:
        """Return the responder for the audience that may see events up to a rank."""
        if (known := self._responders.get(rank)) is not None:
            return known
        async with self._starting:
            if rank not in self._responders:
                self._responders[rank] = await self._start(rank)
            return self._responders[rank]

    async def _start(self, rank: int) -> Responder:
        engine = open_engine(self.url, connections=_CONNECTIONS, clearance=rank)
        follower = Follower(
            self.url,
            engine,
            cache_bytes=self.settings.cache_megabytes << 20,
            most_waiters=self.settings.most_waiters,
            standbys=self.settings.standbys,
            clearance=rank,
            primary=self.primary,
        )
        await follower.start()
        self._engines.append(engine)
        whole = self.whole
        return Responder(follower, whole.clock, whole.rate_limit, whole.page_renderers, rank=rank)

    @property
    def followers(self) -> list[Follower]:
        return [responder.follower for responder in self._responders.values()]

    def drain(self) -> None:
        """Wake all waiters. From now on no request waits."""
        for follower in self.followers:
            follower.drain()

    async def close(self) -> None:
        """End all followers. The next reader of an audience starts it again."""
        async with self._starting:
            for follower in self.followers:
                follower.drain()
                await follower.close()
            for engine in self._engines:
                engine.dispose()
            self._responders.clear()
            self._engines.clear()
