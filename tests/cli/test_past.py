"""The sentence on a reading of the past, for keys that may read only a part of the record."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2 as httpx
import pytest

from service.domain.edtf import describe
from tests.api.bodies import VISAS, on, report
from tests.cli.conftest import Desk, served
from tests.two_relations import second_relation

SEEDED = 127
OF_OTHERS = str(SEEDED + 6)
"""A position of the second relation, fr-us, after its opening."""


@pytest.fixture
def closed(seeded_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Serve a record to those who have a key: the seeds on ru-us, a second relation, and a last event on ru-us."""
    with served(seeded_database_url, read_access="key") as url:
        monkeypatch.setenv("IRRITANTS_URL", url)
        desk = Desk(url, seeded_database_url, tmp_path, monkeypatch)
        authorised = {"Authorization": f"Bearer {desk.key('report')}"}
        for key, body in (("second", second_relation()), ("last", report(on(VISAS, "ConcernRaised")))):
            filed = httpx.post(f"{url}/v1/reports", json=body, headers={**authorised, "Idempotency-Key": key})
            assert filed.status_code == 201, filed.text
        yield desk


def first_line(desk: Desk, relation: str, position: str) -> str:
    return desk.done("board", relation, "--as-of-position", position).splitlines()[0]


def test_a_position_stands_for_the_day_of_an_event_that_the_key_may_not_read(closed: Desk) -> None:
    of_day = f"As known on {describe(datetime.now(UTC).date().isoformat())}. Not the current state."
    assert first_line(closed, "ru-us", OF_OTHERS) == of_day
    closed.key("read", name="limited", relations=("ru-us",))
    assert first_line(closed, "ru-us", str(SEEDED)) == of_day
    assert first_line(closed, "ru-us", OF_OTHERS) == f"As known at position {OF_OTHERS}. Not the current state."
    closed.key("read", name="other", relations=("fr-us",))
    assert first_line(closed, "fr-us", OF_OTHERS) == of_day


def test_for_a_limited_key_the_present_is_that_of_its_relation(closed: Desk) -> None:
    end_of_others = str(SEEDED + len(second_relation()["events"]))
    assert "Not the current state." in first_line(closed, "fr-us", end_of_others)
    closed.key("read", name="other", relations=("fr-us",))
    for point in (("--as-of-position", end_of_others), ("--known-at", datetime.now(UTC).isoformat())):
        assert "Not the current state." not in closed.done("board", "fr-us", *point)
