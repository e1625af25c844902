"""The service as a process on this machine, with the embedded database in a temporary folder."""

import json
import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final, Self

from service import settings
from service.testing.service import ServiceError, ServiceForTests

_STOP_SECONDS: Final = 30
_SHOWN: Final = 2_000
"""The last characters of the log that an error shows."""


class IrritantsProcess(ServiceForTests):
    """Run the service without Docker. Needs the extra `embedded`. See `ServiceForTests` for the arguments."""

    def __init__(self, *, seeds: Path | str | None = None, key: str | None = None, **settings: object) -> None:
        super().__init__(seeds=seeds, key=key, **settings)
        self._url: str | None = None
        self._running = ExitStack()

    @property
    def url(self) -> str:
        if self._url is None:
            raise ServiceError("the service is not running; use it in a `with` block, or call start()")
        return self._url

    def start(self) -> Self:
        if self._url is not None:
            raise ServiceError("the service is running already")
        with ExitStack() as stack:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="irritants-", ignore_cleanup_errors=True))
            log = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace"))
            stack.callback(_stop, process := self._started(home, log))
            assert process.stdout is not None
            # The service prints one line when it accepts connections. An error has several.
            started = re.fullmatch(r'\{"address":.*\}\n', process.stdout.readline())
            if started is None:
                process.communicate()
                log.seek(0)
                raise ServiceError(f"the service ended with exit code {process.returncode}: {log.read()[-_SHOWN:]}")
            self._url = json.loads(started[0])["address"]
            self._running = stack.pop_all()
        return self

    def stop(self) -> None:
        self._url = None
        self._running.close()

    def _started(self, home: str, log: IO[str]) -> "subprocess.Popen[str]":
        seeds = {"seeds": "none"} if self.is_empty else {"seeds": self.seeds} if self.seeds else {}
        given: dict[str, Any] = {"home": home, **seeds, **self.environment()}
        command = [sys.executable, "-m", "service", "serve", "--port", "0", "--json"]
        environment = settings.environment(**given)
        return subprocess.Popen(  # noqa: S603 -- our own module
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, encoding="utf-8"
        )


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
