"""Bodies are parsed strictly: JSON that two parsers could read differently is refused, with its place."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.api.body import LIMIT, MAX_DEPTH, MAX_INTEGER, REPORT_LIMIT, parsed
from service.api.problems import MAX_MISTAKES, Problem
from tests.api.bodies import FLIGHTS, on, report, said

JSON = {"Content-Type": "application/json", "Idempotency-Key": "body"}


def mistakes(raw: bytes) -> dict[str, str]:
    return {mistake.pointer: mistake.detail for mistake in parsed(raw).mistakes}


def test_a_body_is_parsed_as_json() -> None:
    body = parsed('{"title":"Визы","hours":6,"items":[true,null]}'.encode())
    assert body.value == {"title": "Визы", "hours": 6, "items": [True, None]}
    assert body.mistakes == ()


NOT_WHOLE = (
    "is not written as a whole number; use only digits, with a minus sign before a negative number. Write a decimal in"
    ' quotes, such as "12.5", where the field takes one.'
)
TWICE = "appears more than once in its object; each name is allowed once. Send it once."
HALF = "contains half of a surrogate pair, which cannot be stored; send the whole character or remove it."


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'{"a":1,"b":2,"a":3}', {"/a": TWICE}),
        (b'[{"x":{"y":1,"y":1}}]', {"/0/x/y": TWICE}),
        (rb'{"a":"x\u0000"}', {"/a": "contains a NUL character, which cannot be stored; remove it."}),
        (rb'{"a":"\ud800"}', {"/a": HALF}),
        (
            rb'{"\udc00":1}',
            {"/\udc00": "has a name with a NUL or half of a surrogate pair, which cannot be stored; remove it."},
        ),
        (b'{"hours":5.5}', {"/hours": NOT_WHOLE}),
        (b'{"hours":5.0}', {"/hours": NOT_WHOLE}),
        (b'{"hours":1e3}', {"/hours": NOT_WHOLE}),
        (b'{"hours":NaN}', {"/hours": NOT_WHOLE}),
        (b'{"hours":-Infinity}', {"/hours": NOT_WHOLE}),
        (b'{"a~b/c":0.1}', {"/a~0b~1c": NOT_WHOLE}),
    ],
)
def test_json_that_parsers_read_differently_is_a_mistake_with_its_place(raw: bytes, place: dict[str, str]) -> None:
    assert mistakes(raw) == place


def test_an_integer_beyond_53_bits_is_a_mistake() -> None:
    assert mistakes(b"[%d,%d]" % (MAX_INTEGER, -MAX_INTEGER)) == {}
    assert mistakes(b"[%d]" % (MAX_INTEGER + 1)).keys() == {"/0"}
    assert mistakes(b"[-" + b"9" * 5_000 + b"]").keys() == {"/0"}


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parsed(rb'"\ud83c\uddf7"').mistakes == ()


def test_mistakes_are_listed_up_to_a_limit() -> None:
    assert mistakes(rb'{"a":0.5,"b":["\u0000",{"c":1,"c":2}]}').keys() == {"/a", "/b/0", "/b/1/c"}
    assert len(parsed(b"[" + b"0.5," * 5_000 + b"1]").mistakes) == MAX_MISTAKES


def test_nesting_is_limited() -> None:
    assert mistakes(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) == {}
    assert "/0" * (MAX_DEPTH + 1) in mistakes(b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2))
    with pytest.raises(Problem, match="nested"):
        parsed(b"[" * 100_000)


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (b"", "line 1, column 1: not JSON: expected a value; put a text in double quotes"),
        (b"<html>", "line 1, column 1: not JSON: expected a value; put a text in double quotes"),
        (
            b'{"a":1}\n{}',
            "line 2, column 1: not JSON: text follows the value; remove it, or send it by itself",
        ),
        (
            b'{"a":1}\r\n{}',
            "line 2, column 1: not JSON: text follows the value; remove it, or send it by itself",
        ),
        (
            b'{"a":1}\r{}',
            "line 2, column 1: not JSON: text follows the value; remove it, or send it by itself",
        ),
        (
            '{"😀é":1}{}'.encode(),
            "line 1, column 9: not JSON: text follows the value; remove it, or send it by itself",
        ),
        (b'"a\nb"', "line 1, column 3: not JSON: a line break, tab or other control character inside a text"),
        (b'"a', "line 1, column 1: not JSON: the quotes that open here are not closed"),
        (rb'"a\q"', "line 1, column 3: not JSON: write a backslash as \\\\"),
        (rb'"a\u12"', "line 1, column 4: not JSON: write \\u and four hexadecimal digits"),
        ('"😀'.encode() + b'\xff"', "line 1, column 3: the byte 0xFF is not UTF-8"),
        (b'\xef\xbb\xbf"\xff"', "line 1, column 2: the byte 0xFF is not UTF-8"),
        (b'{"a":\r\n"\xff"', "line 2, column 2: the byte 0xFF is not UTF-8"),
        ('{"a": "é"}'.encode("utf-16"), "line 1, column 1: this is UTF-16 or UTF-32; write it in UTF-8"),
        ('{"a": "é"}'.encode("utf-16-le"), "line 1, column 1: this is UTF-16 or UTF-32; write it in UTF-8"),
        (b"[" * 100_000, "line 1, column 25: nested more than 24 levels deep; use fewer levels"),
        (b'["[[", ' + b'{"\\"{": [' * 50_000, "line 1, column 115: nested more than 24 levels deep; use fewer levels"),
    ],
)
def test_invalid_json_is_refused_with_its_place_and_the_remedy(raw: bytes, detail: str) -> None:
    with pytest.raises(Problem) as refused:
        parsed(raw)
    assert refused.value.name == "malformed-json"
    assert refused.value.document.detail.startswith(f"The body is invalid at {detail}")


def test_a_byte_order_mark_is_skipped() -> None:
    assert parsed(b'\xef\xbb\xbf{"a":1}').value == {"a": 1}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(), st.lists, max_leaves=20
    )
)
def test_i_json_is_read_unchanged(value: Any) -> None:
    body = parsed(json.dumps(value).encode())
    assert body.value == value
    assert (body.mistakes == ()) == ("\\u0000" not in json.dumps(value))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(Problem):
        parsed(raw)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "application/jsonp"],
)
def test_another_media_type_is_refused(desk: TestClient, content_type: str) -> None:
    answer = desk.post("/v1/reports", content=b"{}", headers={**JSON, "Content-Type": content_type})
    assert (answer.status_code, answer.headers["accept"]) == (415, "application/json")
    wrong = f"Content-Type {content_type} is not allowed." if content_type else "Content-Type is missing."
    assert answer.json()["detail"] == f"{wrong} Send the body as application/json, in UTF-8."


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; Charset=UTF-8",
        'application/json;charset="utf-8"',
        " application/json ; charset=utf-8 ",
        "application/json;",
        "application/json; charset=utf-8, application/json",
    ],
)
def test_json_may_say_that_it_is_utf_8(desk: TestClient, content_type: str) -> None:
    answer = desk.post("/v1/reports", content=b"{", headers={**JSON, "Content-Type": content_type})
    assert answer.json()["type"] == "/problems/malformed-json"


@pytest.mark.parametrize("coding", ["", "identity ", "Identity, identity"])
def test_a_content_encoding_of_identity_is_accepted(desk: TestClient, coding: str) -> None:
    answer = desk.post("/v1/reports", content=b"{", headers={**JSON, "Content-Encoding": coding})
    assert answer.json()["type"] == "/problems/malformed-json"


@pytest.mark.parametrize("coding", ["gzip", "identity, gzip"])
def test_an_encoded_body_is_refused(desk: TestClient, coding: str) -> None:
    answer = desk.post("/v1/reports", content=b"{}", headers={**JSON, "Content-Encoding": coding})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    wrong = f"Content-Encoding {coding} is not allowed."
    assert answer.json()["detail"] == f"{wrong} Send the body without Content-Encoding."


@pytest.mark.parametrize(
    ("path", "limit"), [("/v1/reports", REPORT_LIMIT), ("/v1/irritants/ru-us/visas/events", LIMIT)]
)
def test_a_body_above_the_limit_is_refused_with_and_without_content_length(
    desk: TestClient, path: str, limit: int
) -> None:
    announced = desk.post(path, content=b" " * (limit + 1), headers=JSON)
    chunked = desk.post(path, content=iter([b" " * limit, b" "]), headers=JSON)
    for answer in (announced, chunked):
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")


def test_a_report_has_at_most_ten_thousand_events(desk: TestClient) -> None:
    answer = desk.post("/v1/reports", json=report(*[{}] * 10_001), headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")


def test_mistakes_of_json_are_listed_with_those_of_the_report(desk: TestClient) -> None:
    raw = json.dumps(report(on(FLIGHTS, "ConcernRaised", hours=0.5), {**on(FLIGHTS, "Nothing"), "ref": "\0"}))
    answer = desk.post("/v1/reports", content=raw, headers=JSON)
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/events/0/hours", "/events/1/ref", "/events/1/type"}


def test_mistakes_of_a_single_event_have_pointers_into_its_body(desk: TestClient) -> None:
    raw = json.dumps({**said("ConcernRaised", summary="\ud800"), "stream": FLIGHTS})
    answer = desk.post("/v1/irritants/ru-us/direct-flights/events", content=raw, headers=JSON)
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/summary", "/stream"}


def test_two_content_type_headers_are_refused(desk: TestClient) -> None:
    two = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    answer = desk.post("/v1/reports?dry_run=true", content=b"{}", headers=two)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/not-json")
