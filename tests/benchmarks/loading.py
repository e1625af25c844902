"""A generated record in a database, by the way that a backup takes back: imported, and its documents made anew.

The import checks the chain line by line; the documents are a replay of the log. So what is measured on is no imitation.
"""

import sys
import time
from collections.abc import Iterable
from itertools import chain
from tempfile import TemporaryFile
from typing import Final

from sqlalchemy import Engine

from service.read_models.rebuild import rebuild, verify_documents
from service.store import archive
from service.store.engine import connection, driver, open_engine, transaction
from service.store.log import read_head
from service.store.verify import verify
from tests.benchmarks.desks import Filed
from tests.benchmarks.generated import export

_EVERY_SECONDS: Final = 10


class Told:
    """Progress, in a line from time to time, and how fast it was in all."""

    def __init__(self, what: str) -> None:
        self._what, self._began, self._last = what, time.perf_counter(), time.perf_counter()

    def __call__(self, done: int, total: int) -> None:
        now = time.perf_counter()
        if done == total or now - self._last > _EVERY_SECONDS:
            self._last = now
            seconds = max(now - self._began, 0.001)
            print(f"  {self._what}: {done:,} of {total:,}, {seconds:,.0f} s, {done / seconds:,.0f}/s", file=sys.stderr)


def load(url: str, reports: Iterable[Filed], events: int) -> None:
    """Fills an empty record; one that was filled before is taken as it is."""
    engine = open_engine(url, statement_seconds=None)
    try:
        with connection(engine) as c:
            if read_head(c).position:
                return
        with TemporaryFile() as file:
            header = export(file, reports, events, Told("generated"))
            file.seek(0)
            with transaction(engine) as c:
                archive.import_record(c, chain([header], file), Told("imported"))
        rebuild(engine, Told("documents made"))
        _settle(engine)
    finally:
        engine.dispose()


def prove(url: str) -> None:
    """Raises Damaged where the record is not what was recorded, or a document not what a replay gives."""
    engine = open_engine(url, statement_seconds=None)
    try:
        with connection(engine) as c:
            verify(c, Told("verified"))
        verify_documents(engine, Told("documents verified"))
    finally:
        engine.dispose()


def _settle(engine: Engine) -> None:
    """What the database would by itself do a few minutes later, in the middle of what is measured."""
    with connection(engine) as c:
        driver(c).execute("VACUUM ANALYZE")
        driver(c).execute("CHECKPOINT")
