"""The board over HTTP: its filters, and the day from which awaited acts are overdue."""

import pytest
from starlette.testclient import TestClient

BOARD = "/v1/relations/ru-us/board"


def shown(client: TestClient, query: str) -> list[str]:
    return [row["id"].partition("/")[2] for row in client.get(f"{BOARD}?{query}").json()["items"]]


@pytest.mark.parametrize(
    ("query", "irritants"),
    [
        ("awaiting=US", ["direct-flights", "property-return"]),
        ("awaiting=both&fell_back=false", ["banking-access", "diplomat-movement", "visas"]),
        ("hold=stalled", []),
        ("disputed=true", []),
        ("disputed=false&awaiting=US", ["direct-flights", "property-return"]),
        ("overdue=true&on=2026-01-01", []),
    ],
)
def test_filters_choose_irritants_and_combine(reading: TestClient, query: str, irritants: list[str]) -> None:
    assert shown(reading, query) == irritants
    assert reading.get(f"{BOARD}?{query}").json()["counts"]["irritants"] == 5


def test_irritants_with_later_events_are_found_by_position(reading: TestClient) -> None:
    rows = reading.get(BOARD).json()["items"]
    newest = max(row["position"] for row in rows)
    assert len(shown(reading, "changed_after=0")) == len(rows)
    assert len(shown(reading, f"changed_after={newest - 1}")) == 1
    assert shown(reading, f"changed_after={newest}") == []


def test_a_past_board_is_filtered_by_its_own_state(reading: TestClient) -> None:
    assert shown(reading, "awaiting=both&as_of_position=60") == []
    assert reading.get(f"{BOARD}?as_of_position=60").json()["counts"]["awaiting"].get("both") is None


def test_the_table_has_only_the_chosen_irritants(reading: TestClient) -> None:
    table = reading.get(f"{BOARD}?awaiting=US", headers={"Accept": "text/csv"}).text.splitlines()
    assert [line.partition(",")[0] for line in table] == ["id", "ru-us/direct-flights", "ru-us/property-return"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("overdue=true", "overdue needs on, the day to count from; send both or neither"),
        ("disputed=yes", "disputed must be true or false"),
        ("awaiting=Russia", "awaiting must be the code of a country, such as US, or both, or none"),
    ],
)
def test_a_wrong_filter_is_refused_with_what_is_allowed(reading: TestClient, query: str, detail: str) -> None:
    refused = reading.get(f"{BOARD}?{query}")
    assert (refused.status_code, refused.json()["detail"]) == (422, detail)
