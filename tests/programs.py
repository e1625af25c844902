"""Run the program `irritants` in another process without importing its modules again.

The imports take a second of processor time, and the suite starts about eighty programs. Each is forked from one process
that has only imported the modules. tests/cli/test_serving.py tests starts of a new interpreter.
"""

import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.reduction import DupFd
from tempfile import TemporaryFile
from typing import IO, Any, Final, Self

from service.cli.main import main

IMPORTED: Final = (
    "alembic.command",
    "service.cli.relay",
    "service.cli.server",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)
"""What commands import when they run."""
_forks: Final = get_context("forkserver")
_forks.set_forkserver_preload([*IMPORTED, __name__])


class Program:
    """A process that runs `irritants`, like a Popen. It is killed at the end of its block."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        out: IO[Any] | int | None = None,
        err: IO[Any] | int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`out` and `err`: where it writes to; without them, what `stdout` and `stderr` read."""
        self._pipes = ExitStack()
        with ExitStack() as ours:
            self.stdout, out = self._piped(out, ours)
            self.stderr, err = self._piped(err, ours)
            started = (list(arguments), dict(env or os.environ), _Descriptor(out), _Descriptor(err))
            self._process = _forks.Process(target=_run, args=started)
            self._process.start()
        assert self._process.pid is not None
        self.pid: Final[int] = self._process.pid

    def _piped(self, given: IO[Any] | int | None, ours: ExitStack) -> tuple[IO[str], int]:
        """Return the end to read from and the descriptor to write to."""
        if given is not None:
            return self._pipes.enter_context(io.StringIO()), given if isinstance(given, int) else given.fileno()
        read, write = os.pipe()
        ours.callback(os.close, write)
        return self._pipes.enter_context(os.fdopen(read, encoding="utf-8")), write

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._pipes.close()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("irritants", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


class _Descriptor:
    """The descriptor of a file that is passed to another process, where it arrives as a number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (DupFd(self._number),)


def _received(descriptor: Any) -> int:
    return int(descriptor.detach())


def _run(arguments: Sequence[str], environment: Mapping[str, str], out: int, err: int) -> None:
    """Set up the new process like a new interpreter, and run the program."""
    for number, descriptor in enumerate((out, err), start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # The existing streams cache properties of their files, such as whether they are seekable.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, errors="backslashreplace")
    os.environ.clear()
    os.environ.update(environment)
    main(arguments)


def ran(arguments: Sequence[str], *, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the program to its end. Return its exit code and output."""
    with (
        TemporaryFile("w+", encoding="utf-8") as out,
        TemporaryFile("w+", encoding="utf-8") as err,
        Program(arguments, out=out, err=err, env=env) as program,
    ):
        code = program.wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())
