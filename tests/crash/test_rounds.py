"""A few crash rounds. `make crash ROUNDS=50` runs more."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crash.rounds import CUTS, FAULTS, crash


@pytest.mark.slow
def test_no_event_is_lost_doubled_skipped_or_stale_while_processes_are_killed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as beside:  # an earlier test may have left an event loop in this thread
        result = beside.submit(lambda: asyncio.run(crash(rounds=3, seed=20250410, home=tmp_path))).result()
    assert result.violations == []
    assert result.complaints == []
    assert set(result.faults) == set(FAULTS)
    assert set(result.cuts) == {where.value for where in CUTS}
    assert result.history is not None
    assert len(result.history.acknowledged) > 10
