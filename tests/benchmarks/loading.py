"""Load a generated record into a database with an import and a rebuild, as a backup is restored.

The import verifies the chain line by line, and the documents are a replay of the log, so the record is a real one.
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


class Reporter:
    """Print progress from time to time, and the overall speed at the end."""

    def __init__(self, what: str) -> None:
        self._what, self._began, self._last = what, time.perf_counter(), time.perf_counter()

    def __call__(self, done: int, total: int) -> None:
        now = time.perf_counter()
        if done == total or now - self._last > _EVERY_SECONDS:
            self._last = now
            seconds = max(now - self._began, 0.001)
            print(f"  {self._what}: {done:,} of {total:,}, {seconds:,.0f} s, {done / seconds:,.0f}/s", file=sys.stderr)


def load(url: str, reports: Iterable[Filed], events: int) -> None:
    """Fill an empty record. Keep one that an earlier run has filled."""
    engine = open_engine(url, statement_seconds=None)
    try:
        with connection(engine) as c:
            if read_head(c).position:
                return
        with TemporaryFile() as file:
            header = export(file, reports, events, Reporter("generated"))
            file.seek(0)
            with transaction(engine) as c:
                archive.import_record(c, chain([header], file), Reporter("imported"))
        rebuild(engine, Reporter("documents made"))
        _settle(engine)
    finally:
        engine.dispose()


def prove(url: str) -> None:
    """Raise Damaged if the record is not as recorded, or if a document differs from a replay."""
    engine = open_engine(url, statement_seconds=None)
    try:
        with connection(engine) as c:
            verify(c, Reporter("verified"))
        verify_documents(engine, Reporter("documents verified"))
    finally:
        engine.dispose()


def _settle(engine: Engine) -> None:
    """Do the maintenance that the database would otherwise start during the measurement."""
    with connection(engine) as c:
        driver(c).execute("VACUUM ANALYZE")
        driver(c).execute("CHECKPOINT")
