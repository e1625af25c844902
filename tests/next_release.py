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


def become() -> None:
    said = irritant.fields_of
    vars(irritant)["fields_of"] = lambda state, *names: {**said(state, *names), "title": f"{state.title}{ANEW}"}
    from service.projections import change  # noqa: PLC0415 -- it takes from `irritant` what was changed above

    for view in (irritant, change):
        vars(view)["REPRESENTATION"] += 100
    if seconds := os.environ.get("BATCH_SECONDS"):
        slow_down(float(seconds))


def slow_down(seconds: float) -> None:
    from service.read_models import rebuild  # noqa: PLC0415 -- as above

    repair = rebuild._repair

    def repaired(engine: Engine, streams: list[str]) -> int:
        time.sleep(seconds)
        return repair(engine, streams)

    changed: dict[str, Any] = {"_BATCH_STREAMS": 1, "_SHORT_TAIL": 5, "_repair": repaired}
    vars(rebuild).update(changed)


# Also in the processes that share its work, which have it as their main module under another name.
if __name__ in ("__main__", "__mp_main__"):
    become()

if __name__ == "__main__":
    from service.cli.main import main

    main(sys.argv[1:])
