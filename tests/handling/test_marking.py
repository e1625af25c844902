"""A reader who sees a restricted event sees its present label. Open events have no mark."""

from collections.abc import Callable
from typing import Any

from starlette.testclient import TestClient

from tests.handling.test_audiences import VISAS, concern

Headers = dict[str, str]
File = Callable[..., Any]
EVENTS = "/v1/events?limit=1000"


def marks(client: TestClient, address: str, headers: Headers) -> dict[str, str]:
    """Return the label of each event of a page that has one, by the id of the event."""
    items = client.get(address, headers=headers).json()["items"]
    return {item["id"]: item["handling"] for item in items if "handling" in item}


def test_each_feed_marks_a_restricted_event_and_no_other(client: TestClient, file: File, cleared: Headers) -> None:
    id = file(cleared, concern(handling="restricted")).json()["events"][0]["id"]
    file(cleared, concern(summary="A public concern."))
    for address in (EVENTS, f"{EVENTS}&relation=ru-us", "/v1/irritants/ru-us/visas/events?limit=1000"):
        assert marks(client, address, cleared) == {id: "restricted"}, address
        assert marks(client, address, {}) == {}, address
    assert client.get(f"/v1/events/{id}", headers=cleared).json()["handling"] == "restricted"


def test_the_mark_is_the_present_label(client: TestClient, file: File, admin: Headers, cleared: Headers) -> None:
    filed = file(cleared, concern(handling="restricted")).json()["events"][0]
    address = f"/v1/events/{filed['id']}"
    before = client.get(address, headers=cleared)
    change = {"type": "HandlingChanged", "stream": VISAS, "target": filed["id"], "label": "open", "reason": "Published"}
    changed = file(admin, change)
    assert changed.status_code == 201, changed.text
    after = client.get(address, headers={**cleared, "If-None-Match": before.headers["etag"]})
    assert (before.json()["handling"], after.status_code, "handling" in after.json()) == ("restricted", 200, False)
    # The change itself stays restricted: it shows that there was a label.
    assert marks(client, EVENTS, cleared) == {changed.json()["events"][0]["id"]: "restricted"}
