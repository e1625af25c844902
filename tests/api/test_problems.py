"""Every refusal is a problem document of a known type, and every type is explained."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.problem_types import PROBLEM_TYPES
from service.api.problems import MAX_MISTAKES, PROTOCOL_STATUS, ROWS, STATUS, Problem, problem_of
from service.domain import errors
from service.domain.errors import AllowedTypes, Malformed, NotAReversal, NotClosed, Refusal, Refused, UnknownSource
from service.store.engine import DatabaseUnavailable


def below(refusal: type[Refusal]) -> Iterator[type[Refusal]]:
    for kind in refusal.__subclasses__():
        yield kind
        yield from below(kind)


@pytest.mark.parametrize("refusal", list(below(Refusal)))
def test_every_refusal_of_the_domain_has_a_row(refusal: type[Refusal]) -> None:
    status, _ = ROWS[refusal]
    assert status == (409 if issubclass(refusal, errors.NotAllowed) else 422)


def test_exceptions_have_unique_names_that_differ_from_protocol_problems() -> None:
    names = [name for _, name in ROWS.values()]
    assert len(set(names)) == len(names)
    assert not set(names) & PROTOCOL_STATUS.keys()


def test_the_explained_problem_types_are_those_in_use() -> None:
    assert PROBLEM_TYPES.keys() == STATUS.keys()


def test_one_refusal_determines_the_problem_type() -> None:
    problem = problem_of(Refused([NotAReversal("/events/3/to", to="resolved", why="", rungs="`raised`")]))
    detail = "A reversal cannot go back to `resolved`. Give a lower rung in `to`: `raised`."
    assert problem.document.model_dump(exclude_none=True) == {
        "type": "/problems/not-a-reversal",
        "title": "Not a reversal",
        "status": 409,
        "detail": detail,
        "errors": ({"pointer": "/events/3/to", "type": "/problems/not-a-reversal", "detail": detail},),
    }


def test_several_refusals_of_the_rules_are_a_conflict() -> None:
    refused = Refused(
        [
            NotClosed("", rung="raised", asserter="RU", then="at that date"),
            NotAReversal("", to="resolved", why="", rungs="`raised`"),
        ]
    )
    assert (problem_of(refused).status, problem_of(refused).name) == (409, "not-allowed")


def test_several_refusals_with_a_mistake_are_a_mistake() -> None:
    refused = Refused(
        [NotClosed("", rung="raised", asserter="RU", then="at that date"), UnknownSource("", document="a9")]
    )
    assert (problem_of(refused).status, problem_of(refused).name) == (422, "not-valid")


def test_a_refusal_lists_what_the_rules_allow() -> None:
    refused = Refused(
        [NotClosed("", rung="raised", asserter="RU", then="at that date")],
        AllowedTypes("raised", ("ConcernRaised", "ProposalTabled")),
    )
    document = problem_of(refused).document
    assert (document.rung, document.allowed) == ("raised", ("ConcernRaised", "ProposalTabled"))


def test_the_number_of_listed_mistakes_is_limited() -> None:
    refused = Refused([Malformed(f"/events/{i}", why="is no event") for i in range(MAX_MISTAKES + 1)])
    document = problem_of(refused).document
    assert document.errors is not None
    assert len(document.errors) == MAX_MISTAKES
    assert (
        document.detail == f"{MAX_MISTAKES + 1} mistakes. Nothing was written. Correct them and send the report again."
    )


def test_a_lone_surrogate_in_a_pointer_can_be_answered() -> None:
    response = problem_of(Refused([Malformed("/\ud800", why="there is no such field")])).response()
    assert b'"pointer":"/?"' in bytes(response.body)


def test_an_outage_has_a_retry_after_and_no_details() -> None:
    problem = problem_of(DatabaseUnavailable('connection to server at "10.0.0.7" failed'))
    assert (problem.status, problem.headers["Retry-After"]) == (503, "2")
    assert b"10.0.0.7" not in bytes(problem.response().body)


def test_an_unknown_address_is_not_found(reading: TestClient) -> None:
    answer = reading.get("/v2/irritants")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/reports", "GET, HEAD, POST"),
        ("PUT", "/v1/irritants/ru-us/visas/events", "GET, HEAD, POST"),
        ("POST", "/v1/irritants/ru-us/visas", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/v1/reports", "GET, HEAD, POST"),
    ],
)
def test_an_unsupported_method_is_refused(reading: TestClient, method: str, path: str, allowed: str) -> None:
    answer = reading.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["type"] == "/problems/method-not-allowed"


def test_an_internal_error_shows_only_the_request_id(app: FastAPI, client: TestClient) -> None:
    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("the secret is hush")

    answer = client.get("/fails", headers={"X-Request-Id": "mine-1"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "mine-1")
    assert answer.json()["type"] == "/problems/server-failure"
    assert "hush" not in answer.text
    assert "Traceback" not in answer.text


def test_a_problem_is_not_cached() -> None:
    assert Problem("not-found", "Nothing.").response().headers["cache-control"] == "no-store"
