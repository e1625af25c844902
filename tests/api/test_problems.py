"""Every refusal is a problem document of a known kind, and every kind is explained."""

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


def test_no_two_exceptions_share_a_name_and_none_has_one_of_the_protocol() -> None:
    names = [name for _, name in ROWS.values()]
    assert len(set(names)) == len(names)
    assert not set(names) & PROTOCOL_STATUS.keys()


def test_every_name_is_explained_and_nothing_else() -> None:
    assert PROBLEM_TYPES.keys() == STATUS.keys()


def test_one_refusal_names_its_kind() -> None:
    problem = problem_of(Refused([NotAReversal("/events/3/to", to="resolved")]))
    detail = "A reversal goes back to a rung below resolved; resolved is not below it."
    assert problem.document.model_dump(exclude_none=True) == {
        "type": "/problems/not-a-reversal",
        "title": "Not a reversal",
        "status": 409,
        "detail": detail,
        "errors": ({"pointer": "/events/3/to", "type": "/problems/not-a-reversal", "detail": detail},),
    }


def test_several_refusals_of_the_rules_are_a_conflict() -> None:
    refused = Refused([NotClosed("", rung="raised", asserter="RU"), NotAReversal("", to="resolved")])
    assert (problem_of(refused).status, problem_of(refused).name) == (409, "not-allowed")


def test_one_mistake_among_them_makes_it_a_mistake() -> None:
    refused = Refused([NotClosed("", rung="raised", asserter="RU"), UnknownSource("", document="a9")])
    assert (problem_of(refused).status, problem_of(refused).name) == (422, "not-valid")


def test_what_the_rules_allow_is_told() -> None:
    refused = Refused(
        [NotClosed("", rung="raised", asserter="RU")], AllowedTypes("raised", ("ConcernRaised", "ProposalTabled"))
    )
    document = problem_of(refused).document
    assert (document.rung, document.allowed) == ("raised", ("ConcernRaised", "ProposalTabled"))


def test_a_body_of_nothing_but_mistakes_is_answered_in_bounds() -> None:
    refused = Refused([Malformed(f"/events/{i}", why="is no event") for i in range(MAX_MISTAKES + 1)])
    document = problem_of(refused).document
    assert document.errors is not None
    assert len(document.errors) == MAX_MISTAKES
    assert (
        document.detail == f"{MAX_MISTAKES + 1} mistakes. Nothing was written. Correct them and send the report again."
    )


def test_half_a_character_in_a_pointer_can_be_answered() -> None:
    response = problem_of(Refused([Malformed("/\ud800", why="there is no such field")])).response()
    assert b'"pointer":"/?"' in bytes(response.body)


def test_an_outage_says_when_to_come_back_and_not_why() -> None:
    problem = problem_of(DatabaseUnavailable('connection to server at "10.0.0.7" failed'))
    assert (problem.status, problem.headers["Retry-After"]) == (503, "2")
    assert b"10.0.0.7" not in bytes(problem.response().body)


def test_an_address_that_there_is_not(reading: TestClient) -> None:
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
def test_a_method_that_an_address_does_not_know(reading: TestClient, method: str, path: str, allowed: str) -> None:
    answer = reading.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["type"] == "/problems/method-not-allowed"


def test_a_failure_of_ours_tells_nothing_but_where_the_log_has_it(app: FastAPI, client: TestClient) -> None:
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
