"""Fill an empty record with the report files of a folder, `seeds/` by default.

They pass the same checks as every report. All are appended at once, so a process that is killed leaves the record
either empty or complete.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from service import reportfile
from service.recorder import Receipt, Recorder, ReportRequest
from service.resources import folder
from service.store.engine import connection
from service.store.log import read_head

ACTOR: Final = "seeds"
FOLDER: Final = folder("seeds")


def seed(engine: Engine, folder: Path = FOLDER) -> int:
    """File the reports if the record is empty. Return their number. Raise NotAReport and Refused."""
    with connection(engine) as c:
        if read_head(c).position:
            return 0
    outcomes = Recorder(engine).record([_request(path) for path in sorted(folder.glob("*.yaml"))])
    for outcome in outcomes:
        if not isinstance(outcome, Receipt):
            raise outcome
    return len(outcomes)


def _request(path: Path) -> ReportRequest:
    file = reportfile.read(path.read_bytes())
    return ReportRequest.read(file.body, file.key, ACTOR, f"seeds/{path.name}")
