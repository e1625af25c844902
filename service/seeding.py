"""Fill an empty record with report files: those of `seeds/` by default, or the fixtures of tests.

They pass the same checks as every report. All are appended at once, or none. So a process that is killed leaves the
record either empty or complete, and so does a file with a mistake.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Engine

from service import reportfile
from service.domain.errors import Refused
from service.recorder import KeyReused, NotTogether, Recorder, ReportRequest
from service.reportfile import NotAReport, ReportFile
from service.resources import folder
from service.store.engine import connection
from service.store.log import read_head

ACTOR: Final = "seeds"
FOLDER: Final = folder("seeds")
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_OR_NONE: Final = "For an empty record, set IRRITANTS_SEEDS to `none`"


class BadSeeds(Exception):
    """The seeds cannot be filed. The message has a line for each mistake, with its file, line and column."""


class Seed(NamedTuple):
    """A report file, and the request that files it."""

    path: Path
    file: ReportFile
    request: ReportRequest


def read(path: Path = FOLDER) -> list[Seed]:
    """Read a report file, or those of a folder in the order of their names. Raises BadSeeds."""
    seeds: list[Seed] = []
    mistakes: list[str] = []
    for each in _files(path):
        try:
            file = reportfile.read(reportfile.load(each))
            request = ReportRequest.read(file.body, file.key, ACTOR, f"seeds/{each.name}")
            seeds.append(Seed(each, file, request))
        except NotAReport as error:
            mistakes += reportfile.lines(str(each), error.mistakes)
        except OSError as error:
            mistakes.append(f"{each}: cannot be read: {error.strerror or error}")
    if mistakes:
        raise BadSeeds("\n".join(mistakes))
    return seeds


def seed(engine: Engine, seeds: Sequence[Seed] | None = None) -> int:
    """File the seeds if the record is empty: the default ones, or those of `read`. Return their number.

    Raises BadSeeds, and then files none.
    """
    with connection(engine) as c:
        if read_head(c).position:
            return 0
    found = read() if seeds is None else seeds
    if not found:
        return 0
    try:
        return len(Recorder(engine).record_together([each.request for each in found]))
    except NotTogether as error:
        raise _refused(found, error.index, error.__cause__) from error


def _files(path: Path) -> list[Path]:
    """Return the report files at a path. Raises BadSeeds if there is none."""
    # A relative path begins at the folder that the service runs in, so say which one that is.
    named = str(path) if path.is_absolute() else f"{path} (in {Path.cwd()})"
    try:
        if not path.is_dir():
            path.stat()
            return [path]
        found = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    except OSError as error:
        raise BadSeeds(f"{named}: cannot be read: {error.strerror or error}") from error
    if not found:
        raise BadSeeds(
            f"{named}: the folder is empty. If it is mounted into a container, check the path outside: Docker makes an"
            f" empty folder of a path that does not exist. {_OR_NONE}"
        )
    if not (files := [each for each in found if each.suffix in _SUFFIXES]):
        raise BadSeeds(f"{named}: the folder has no report file ({', '.join(_SUFFIXES)}). Add one. {_OR_NONE}")
    return files


def _refused(seeds: Sequence[Seed], index: int, why: BaseException | None) -> BadSeeds:
    """Return the error for a file that the record refuses, with the places of its mistakes."""
    path, file, request = seeds[index]
    match why:
        case Refused(refusals=refusals):
            found = [(refusal.pointer, refusal.detail) for refusal in refusals]
        case KeyReused():
            first = next(each.path.name for each in seeds if each.request.key == request.key)
            found = [("/title", f"{first} has the same title or `key`. Change one of them.")]
        case _:
            found = [("", str(why))]
    return BadSeeds("\n".join(reportfile.lines(str(path), file.diagnostics(found))))
