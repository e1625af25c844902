"""Log each read that is answered from more than the open audience sees: who read what, and when.

The log is outside the record. Without restricted events, and for readers of the open audience, nothing is logged, and a
request costs one look-up more. A line is written before the end of the request. For a stream it is written at the
beginning.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog
from starlette.types import Scope

from service.api.logs import PROCESSORS
from service.store.audience import Label

_RANK: Final = "audience_rank"
_WRITTEN: Final = "audit_written"


class _File:
    """Appends lines to a file. It opens the file for each line, so the file can be moved away at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def msg(self, line: str) -> None:
        """Append a line, at once and as a whole. Several processes can share the file. Raises OSError."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, f"{line}\n".encode())
        finally:
            os.close(file)

    info = msg


class AuditLog:
    """Writes the lines: to a file, or with `path` None to the log of the process.

    Raises OSError if the file cannot be written. After the start, a line that cannot be written goes to the log.
    """

    def __init__(self, path: Path | None) -> None:
        self._log: Any = structlog.get_logger("irritants")
        self._file: Any = None
        if path is not None:
            os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600))
            processors: list[Any] = [*PROCESSORS, structlog.processors.JSONRenderer()]
            self._file = structlog.wrap_logger(_File(path), processors=processors)

    def write(self, scope: Scope, status: int, request: str) -> None:
        """Log a request for which `note` was called, unless it is logged. `request`: its id."""
        state = scope["state"]
        if state.get(_WRITTEN):
            return
        state[_WRITTEN] = True
        rank, access, labels = state[_RANK], state["key"], scope["app"].state.authenticator.labels
        query = scope["query_string"].decode("latin-1")
        line = {
            "actor": access.name,
            "key": access.key,
            "method": "HEAD" if state.get("is_head") else scope["method"],
            "address": f"{scope['path']}?{query}" if query else scope["path"],
            "status": status,
            "rank": rank,
            "label": _name(rank, labels),
            "request": request,
        }
        try:
            (self._file or self._log).info("restricted_read", **line)
        except OSError as error:
            self._log.error("audit log cannot be written", error=str(error))
            self._log.info("restricted_read", **line)


def note(scope: Scope, rank: int) -> None:
    """Note that a request is answered for the audience of a rank. 0 is the open one, which is not logged."""
    if rank:
        scope["state"][_RANK] = rank


def is_noted(scope: Scope) -> bool:
    """Return whether the request is answered from more than the open audience sees."""
    return _RANK in scope["state"]


def _name(rank: int, labels: Sequence[Label]) -> str | None:
    return next((label.name for label in labels if label.rank == rank), None)
