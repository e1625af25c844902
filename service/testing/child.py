"""The process that `IrritantsProcess` starts: the service, with its record in a temporary folder.

    python -m service.testing.child FOLDER serve --port 0 --json

It ends when its parent closes or writes to its standard input. The kernel closes that pipe when the parent dies, even
if SIGKILL gives the parent no time to clean up. A program that the parent forked can hold the pipe open, so this
process also checks that it still has the same parent.
"""

import os
import runpy
import select
import shutil
import signal
import sys
from pathlib import Path
from threading import Thread
from typing import Final

_CHECK_SECONDS: Final = 1
_INPUT: Final = 0
"""The file descriptor of standard input."""
_ATTEMPTS: Final = 3


def main() -> None:
    """Run the service until the parent ends it or dies. Then stop its database and remove its folder."""
    home = Path(sys.argv.pop(1))
    # Until the service is imported and has its own handler, this one lets the clean-up below run.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    home.mkdir(mode=0o700)
    try:
        Thread(target=_end_with_parent, args=[os.getppid()], daemon=True).start()
        runpy.run_module("service", run_name="__main__", alter_sys=True)
    finally:
        _remove(home)


def _end_with_parent(parent: int) -> None:
    """Wait for the end of the parent, or for its word, and stop the service as SIGTERM does."""
    while os.getppid() == parent and not select.select([_INPUT], [], [], _CHECK_SECONDS)[0]:
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _remove(home: Path) -> None:
    """Remove the folder. A program that was stopped while it wrote there can add a file meanwhile."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            return


if __name__ == "__main__":
    main()
