"""The program `irritants` in a process of its own that need not import its modules anew.

That takes a second of processor time, and the suite starts some eighty: each is forked from one process that has
imported everything and done nothing else (warm.py). The start from nothing is tested where it is the point, in
tests/cli/test_serving.py.
"""

import atexit
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any, Final, Self

POLL_SECONDS: Final = 0.005
WARM: Final = Path(__file__).with_name("warm.py")


class Program:
    """As a Popen that runs `irritants` with these arguments; killed where its block is left."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        out: IO[Any] | int | None = None,
        err: IO[Any] | int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`out` and `err`: where it writes to; without them, what `stdout` and `stderr` read."""
        started = {"arguments": arguments, "environment": dict(env or os.environ), "folder": str(Path.cwd())}
        self.returncode: int | None = None
        self._pipes = ExitStack()
        with ExitStack() as ours:
            self.stdout, out = self._piped(out, ours)
            self.stderr, err = self._piped(err, ours)
            self.pid: Final[int] = _warm().ask({"start": started}, [out, err])

    def _piped(self, given: IO[Any] | int | None, ours: ExitStack) -> tuple[IO[str], int]:
        """What is read here, and what is written to there."""
        if given is not None:
            return self._pipes.enter_context(io.StringIO()), given if isinstance(given, int) else given.fileno()
        read, write = os.pipe()
        ours.callback(os.close, write)
        return self._pipes.enter_context(os.fdopen(read)), write

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait()
        self._pipes.close()

    def has_ended(self) -> bool:
        """What the system counted of it can be read until somebody waits for it."""
        return self.returncode is not None or bool(_warm().ask({"ended": self.pid}))

    def poll(self) -> int | None:
        if self.returncode is None and self.has_ended():
            self.returncode = _warm().ask({"reap": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        begun = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() - begun > timeout:
                raise subprocess.TimeoutExpired("irritants", timeout)
            time.sleep(POLL_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def ran(arguments: Sequence[str], *, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """How it ended, and what it said."""
    with (
        TemporaryFile("w+") as out,
        TemporaryFile("w+") as err,
        Program(arguments, out=out, err=err, env=env) as program,
    ):
        code = program.wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


class _Warm:
    """The process that all others are forked from."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        self._answers = self._channel.makefile()
        self._one_at_a_time = Lock()
        with theirs:
            command = [sys.executable, "-P", str(WARM), str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)

    def ask(self, question: object, descriptors: Sequence[int] = ()) -> Any:
        with self._one_at_a_time:
            socket.send_fds(self._channel, [json.dumps(question).encode() + b"\n"], descriptors)
            return json.loads(self._answers.readline())

    def close(self) -> None:
        self._answers.close()
        self._channel.close()
        self._process.wait()


@cache
def _warm() -> _Warm:
    warm = _Warm()
    atexit.register(warm.close)
    return warm
