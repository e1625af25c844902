"""The service as a process on this machine, with the embedded database in a temporary folder.

`child.py` runs in that process. It stops the database and removes the folder, also if this process is killed.
"""

import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
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
            # The process makes the folder and removes it. It is removed here only if the process had to be killed.
            home = Path(tempfile.gettempdir(), f"irritants-{secrets.token_hex(4)}")
            stack.callback(shutil.rmtree, home, ignore_errors=True)
            log = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace"))
            stack.callback(_stop, process := self._started(home, log))
            assert process.stdout is not None
            # The service prints one line when it accepts connections. An error has several.
            started = re.fullmatch(r'\{"address":.*\}\n', process.stdout.readline())
            if started is None:
                process.stdout.read()
                process.wait()
                log.seek(0)
                raise ServiceError(f"the service ended with exit code {process.returncode}: {log.read()[-_SHOWN:]}")
            self._url = json.loads(started[0])["address"]
            self._running = stack.pop_all()
        return self

    def stop(self) -> None:
        self._url = None
        self._running.close()

    def _started(self, home: Path, log: IO[str]) -> "subprocess.Popen[str]":
        seeds = {"seeds": "none"} if self.is_empty else {"seeds": self.seeds} if self.seeds else {}
        given: dict[str, Any] = {"home": home, **seeds, **self.environment()}
        command = [sys.executable, "-m", "service.testing.child", str(home), "serve", "--port", "0", "--json"]
        return subprocess.Popen(  # noqa: S603 -- our own module
            command,
            env=settings.environment(**given),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C goes to the tests alone, which then stop the service
        )


def _stop(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    # A forked program can hold the pipe open, so write to it as well. The pipe is closed already after an error.
    with suppress(OSError, ValueError), process.stdin as pipe:
        pipe.write("stop\n")
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
