"""The sentence on a reading of the past, for keys that may read only a part of the record."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx2 as httpx
import pytest

from service.cli import past
from service.cli.client import Service

BOARD = "/v1/relations/ru-us/board"
EVENTS: list[dict[str, Any]] = [
    {"position": 1, "time": "2025-06-05T09:00:00Z", "relation": "ru-us"},
    {"position": 2, "time": "2025-06-06T23:30:00Z", "relation": "no-se"},
    {"position": 3, "time": "2025-06-07T09:00:00Z", "relation": "ru-us"},
]
moment = datetime.fromisoformat
Answer = Callable[[httpx.Request], httpx.Response]


def reading(relations: tuple[str, ...] | None) -> Answer:
    """Return a service with three events, to a key that may read these relations. None: the whole record."""

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        relation = query.get("relation")
        if relations is not None and relation not in relations:
            return httpx.Response(403, json={"type": "/problems/forbidden"})
        after, since = int(query.get("after", 0)), moment(query.get("recorded_from", "2000-01-01T00:00:00Z"))
        found = [event for event in EVENTS if event["position"] > after and moment(event["time"]) >= since]
        of_relation = [event for event in found if relation in (None, event["relation"])]
        return httpx.Response(200, json={"items": of_relation[: int(query["limit"])]})

    return answer


def sentence(answer: Answer, path: str, **query: Any) -> str:
    with httpx.Client(base_url="http://service.example", transport=httpx.MockTransport(answer)) as http:
        return past.sentence(Service(http), path, query)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, ""),
        ({"as_of_position": 3}, ""),
        ({"as_of_position": 2}, "As known on 6 June 2025. Not the current state."),
        ({"as_of_position": 0}, "As known before the first event. Not the current state."),
        ({"known_at": "2025-06-07T09:00:00Z"}, ""),
        ({"known_at": "2025-06-07T02:00:00+04:00"}, "As known on 6 June 2025. Not the current state."),
        (
            {"as_of_position": 3, "effective_on": "2025-05-01"},
            "As known on 7 June 2025, effective on 1 May 2025. Not the current state.",
        ),
    ],
)
def test_the_day_is_that_of_the_event_at_the_position(query: dict[str, Any], said: str) -> None:
    assert sentence(reading(None), BOARD, **query) == said


def test_a_position_stands_for_the_day_of_an_event_that_the_key_may_not_read() -> None:
    limited = reading(("ru-us",))
    assert sentence(limited, BOARD, as_of_position=1) == "As known on 5 June 2025. Not the current state."
    assert sentence(limited, BOARD, as_of_position=2) == "As known at position 2. Not the current state."
    assert sentence(limited, "/v1/rounds", relation="ru-us", as_of_position=3) == ""
    assert sentence(limited, BOARD, known_at="2025-06-08T00:00:00Z") == ""


def test_without_any_event_that_the_key_may_read_the_point_itself_is_named() -> None:
    closed, path = reading(()), "/v1/events/1/citation"
    assert sentence(closed, path, as_of_position=1) == "As known at position 1. Not the current state."
    assert sentence(closed, path, known_at="2025-06-06T10:00:00Z") == "As known on 6 June 2025. Not the current state."
