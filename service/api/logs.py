"""Set up the log of a process: JSON lines on standard error, for the service and its libraries."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from service.store.keys import redact_keys


def _redacted(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: redact_keys(value) if isinstance(value, str) else value for name, value in line.items()}


PROCESSORS: Final[tuple[Any, ...]] = (
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    # Leaves out local variables, which can contain secrets.
    structlog.processors.format_exc_info,
    _redacted,
)


def configure() -> None:
    """Set up the log of this process. Call it once. Libraries log warnings and errors only."""
    structlog.configure(
        processors=[*PROCESSORS, structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(sys.stderr)
    renderer = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[renderer, structlog.processors.JSONRenderer()], foreign_pre_chain=list(PROCESSORS)
        )
    )
    logging.basicConfig(handlers=[libraries], level=logging.WARNING, force=True)
