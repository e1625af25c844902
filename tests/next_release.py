"""The program as the next release would be, as far as stored documents are concerned: other numbers, titles that tell.

    python -m tests.next_release serve …

With BATCH_SECONDS in the environment each stream is a batch that takes so long, and less may be left to be done under
the lock: so a short record is built as a long one is.
"""

import os
import sys
import time
from typing import Any, Final

from sqlalchemy import Engine

from service.projections import irritant

ANEW: Final = ", anew"


def run(*arguments: str, batch_seconds: float = 0) -> None:
    said = irritant.stands
    vars(irritant)["stands"] = lambda state: {**said(state), "title": f"{state.title}{ANEW}"}
    from service.projections import change  # noqa: PLC0415 -- it takes from `irritant` what was changed above

    for view in (irritant, change):
        vars(view)["REPRESENTATION"] += 100
    from service.cli.main import main  # noqa: PLC0415 -- as above

    if batch_seconds:
        slow_down(batch_seconds)
    main(arguments)


def slow_down(seconds: float) -> None:
    from service import rebuild  # noqa: PLC0415 -- as above

    mend = rebuild._mend

    def mended(engine: Engine, streams: list[str]) -> int:
        time.sleep(seconds)
        return mend(engine, streams)

    changed: dict[str, Any] = {"_BATCH_STREAMS": 1, "_SHORT_TAIL": 5, "_mend": mended}
    vars(rebuild).update(changed)


if __name__ == "__main__":
    run(*sys.argv[1:], batch_seconds=float(os.environ.get("BATCH_SECONDS", "0")))
