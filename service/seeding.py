"""File the reports of a folder into an empty record, with the code that files every report.

All reports are one append, so that a start that is killed leaves the record empty or seeded.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from service import reportfile
from service.recorder import Receipt, Recorder, Request
from service.resources import folder
from service.store.engine import connection
from service.store.log import read_head

ACTOR: Final = "seeds"
FOLDER: Final = folder("seeds")


def seed(engine: Engine, folder: Path = FOLDER) -> int:
    """File the reports if the record is empty, and return their number. Raises NotAReport and Refused."""
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
    return Request.read(file.body, file.key, ACTOR, f"seeds/{path.name}")
