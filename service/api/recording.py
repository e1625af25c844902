"""Handing a report to the recorder, and waiting for its outcome: as long as is bearable, and never in its way.

What was accepted is recorded whether or not its sender still listens; the same Idempotency-Key finds out.
"""

import asyncio
from time import perf_counter
from typing import Final

from starlette.requests import Request

from service import recorder
from service.api.problems import Problem
from service.recorder import Receipt, Recorder

_SECONDS: Final = 4.5
_SECONDS_AN_EVENT: Final = 0.001


async def recorded(request: Request, asked: recorder.Request) -> Receipt:
    """The receipt, once it is committed. Raises Problem, and whatever the recorder refuses it for."""
    state = request.app.state
    records: Recorder = state.recorder
    began = perf_counter()
    outcome = records.queue.ask(asked)
    outcome.add_done_callback(_heard)
    try:
        async with asyncio.timeout(_SECONDS + _SECONDS_AN_EVENT * len(asked.report.events)):
            receipt = await asyncio.shield(outcome)
    except TimeoutError:
        raise Problem(
            "outcome-unknown", "The outcome did not come in time; the same Idempotency-Key finds it out."
        ) from None
    if not asked.dry_run:
        state.metrics.appends.observe(perf_counter() - began)
    return receipt


def _heard(outcome: "asyncio.Future[Receipt]") -> None:
    """Takes note of an exception, so that one that came after its waiter left is not reported as lost."""
    if not outcome.cancelled():
        outcome.exception()
