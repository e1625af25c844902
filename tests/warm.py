"""The process that programs.py forks all others from: it has imported everything, and does nothing itself.

Asked on a socket, a line of JSON for a line of JSON: {"start": {arguments, environment, folder}}, with the descriptors
of standard output and standard error, gives a process id, {"ended": id} whether that has ended, {"reap": id} its code.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.cli.main import main

LATER: Final = (
    "alembic.command",
    "service.cli.relay",
    "service.cli.server",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)
"""What commands import when they run."""
_LONGEST: Final = 1 << 20


def arguments_of_a_child(channel: socket.socket) -> Sequence[str] | None:
    """Answers until it is told to start one, and then returns in the child; None when nobody asks any more."""
    while True:
        question, descriptors, *_ = socket.recv_fds(channel, _LONGEST, 2)
        while question and not question.endswith(b"\n"):
            question += channel.recv(_LONGEST)
        if not question:
            return None
        match json.loads(question):
            case {"start": started}:
                answer: object = os.fork()
                if answer == 0:
                    channel.close()
                    return prepared(started, descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
            case {"ended": pid}:
                answer = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
            case {"reap": pid}:
                answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            case other:
                raise ValueError(other)
        channel.sendall(json.dumps(answer).encode() + b"\n")


def prepared(started: Mapping[str, Any], descriptors: Sequence[int]) -> Sequence[str]:
    """Makes the child as if it had been started from nothing; gives its arguments."""
    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # Those that there are know of the files that they were made for, as whether one can seek in them.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, errors="backslashreplace")
    os.environ.clear()
    os.environ.update(started["environment"])
    os.chdir(started["folder"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments: Sequence[str] = started["arguments"]
    return arguments


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in LATER:
        importlib.import_module(name)
    gc.freeze()
    if (arguments := arguments_of_a_child(socket.socket(fileno=int(sys.argv[1])))) is not None:
        main(arguments)
