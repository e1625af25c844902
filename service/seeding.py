"""Fills an empty record with the reports of a folder, filed like anybody's, by the same code.

All of them in one append: a start that is killed in between leaves the record empty or seeded, never half.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from service import reportfile
from service.domain import report
from service.recorder import Receipt, Recorder, Request
from service.resources import folder
from service.store.codec import canonical
from service.store.engine import connection
from service.store.log import read_head

ACTOR: Final = "seeds"
FOLDER: Final = folder("seeds")


def seed(engine: Engine, folder: Path = FOLDER) -> int:
    """How many reports were filed: none where anything is on record. Raises NotAReport and Refused."""
    with connection(engine) as c:
        if read_head(c).position:
            return 0
    outcomes = Recorder(engine).record([_request(path) for path in sorted(folder.glob("*.yaml"))])
    for outcome in outcomes:
        if not isinstance(outcome, Receipt):
            raise outcome
    return len(outcomes)


def _request(path: Path) -> Request:
    file = reportfile.read(path.read_bytes())
    return Request(
        report.read(file.body), file.key, sha256(canonical(file.body).encode()).digest(), ACTOR, f"seeds/{path.name}"
    )
