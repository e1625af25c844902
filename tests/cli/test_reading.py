"""status, history, changes: what they show of the seeds, in the present and in the past, and how they fail."""

import json
import os
import re

import httpx2 as httpx
import pytest

from service.cli.client import _trusted
from tests.cli.conftest import Desk
from tests.clients.misbehaving import answer, misbehaving

BANKING = "ru-us/banking-access"


def test_the_board_has_each_irritant_with_three_statuses_basis_and_whose_move_it_is(reader: Desk) -> None:
    head, *rows = [re.split(" {2,}", line) for line in reader.done("status").splitlines()]
    assert head[:7] == ["irritant", "claimed", "confirmed", "reported", "basis", "origins", "awaiting"]
    assert [row[:7] for row in rows] == [
        ["ru-us/banking-access", "formalised", "understanding", "formalised", "one side", "1", "both"],
        ["ru-us/diplomat-movement", "understanding", "raised", "understanding", "one side", "1", "both"],
        ["ru-us/direct-flights", "proposed", "unstated", "proposed", "attributed", "1", "US"],
        ["ru-us/property-return", "proposed", "unstated", "in talks", "one side", "1", "US"],
        ["ru-us/visas", "understanding", "unstated", "understanding", "one side", "1", "both"],
    ]


@pytest.mark.parametrize(
    ("id", "path"),
    [
        (BANKING, f"/v1/irritants/{BANKING}"),
        (f"irritant/{BANKING}", f"/v1/irritants/{BANKING}"),
        ("ru-us/istanbul-april", "/v1/rounds/ru-us/istanbul-april"),
        ("ru-us", "/v1/relations/ru-us"),
        ("source/a1-hasanova", "/v1/sources/a1-hasanova"),
    ],
)
def test_json_is_what_the_service_answers(reader: Desk, id: str, path: str) -> None:
    assert json.loads(reader.done("status", id, "--json")) == httpx.get(reader.url + path).json()


def test_one_irritant_is_drawn_with_each_mark_and_each_side(reader: Desk) -> None:
    shown = reader.done("status", BANKING)
    assert " ·    ·    ·    ·    ■    ◆○   ·    ·" in shown
    assert "■ confirmed understanding" in shown
    assert "◆ claimed   formalised" in shown
    assert "RU        understanding  “committed”" in shown


def test_a_relation_says_its_format_and_what_is_out_of_scope(reader: Desk) -> None:
    shown = reader.done("status", "ru-us")
    assert "format    capitals, preliminary, reversible; said by RU; silent: US" in shown
    assert "excluded  ukraine; said by US" in shown
    assert "ru-us/visas" in shown


def test_a_round_says_where_it_was_and_how_long(reader: Desk) -> None:
    shown = reader.done("status", "ru-us/istanbul-april")
    assert [line.split(maxsplit=1) for line in shown.splitlines() if "Istanbul" in line] == [["place", "Istanbul"]]
    assert "hours 5, qualifier at least" in shown


def test_as_on_record_before_the_interview(reader: Desk) -> None:
    filed = httpx.get(f"{reader.url}/v1/reports").json()["items"]
    before = str(next(r["first_position"] for r in filed if "interview" in r["title"]) - 1)
    shown = json.loads(reader.done("status", "ru-us/property-return", "--as-of-position", before, "--json"))
    assert (shown["status"], shown["reported_status"], shown["basis"], shown["origins"]) == (
        *("unstated", "in_talks", "media_only", 2),
    )
    assert "Proposal tabled" not in reader.done("history", "ru-us/property-return", "--as-of-position", before)
    assert reader.run("status", "ru-us/moscow-next", "--as-of-position", before).code == 5


def test_only_what_had_happened_by_a_day(reader: Desk) -> None:
    def on(day: str, match: str) -> str:
        past = ("--effective-on", day, "--date-match", match)
        return json.loads(reader.done("status", BANKING, *past, "--json"))["status"]  # type: ignore[no-any-return]

    assert on("2025-04-10", "possible") == "formalised"
    assert on("2025-04-10", "certain") == "raised"
    shown = reader.done("history", BANKING, "--effective-on", "2025-04-10", "--date-match", "certain")
    assert "Instrument exchanged" not in shown
    assert "Concern raised" in shown


def test_the_history_is_in_the_order_of_the_world_and_names_each_event(reader: Desk) -> None:
    _, head, *rows = reader.done("history", BANKING).splitlines()
    assert head.split() == ["when", "who", "what", "event"]
    events = [row.split()[-1] for row in rows if not row.startswith(" ")]
    assert events == [f"{BANKING}@{version}" for version in range(1, 8)]
    told = "\n".join(rows)
    assert "RU Ministry of Foreign Affairs (paraphrase)" in told
    assert "→ ■ raised  ◆ formalised  ○ formalised" in told
    assert "→ ■ understanding  ◆ formalised  ○ formalised" in told


def test_the_history_as_json_has_every_event_with_its_name(reader: Desk) -> None:
    told = json.loads(reader.done("history", "ru-us/istanbul-april", "--json"))
    assert told["stream"] == "round/ru-us/istanbul-april"
    names = {item["name"]: item["version"] for item in told["items"]}
    assert names == {f"ru-us/istanbul-april@{version}": version for version in range(1, len(names) + 1)}
    assert all(item["stands"] for item in told["items"])


@pytest.mark.parametrize("id", ["ru-us", "source/a1-hasanova"])
def test_every_kind_of_stream_has_a_history(reader: Desk, id: str) -> None:
    assert f"{id}@1" in reader.done("history", id)


def test_changes_are_the_feed_of_the_service(reader: Desk) -> None:
    lines = [json.loads(line) for line in reader.done("changes", "--json").splitlines()]
    assert lines == httpx.get(f"{reader.url}/v1/changes").json()["items"]
    after = lines[-2]["position"]
    assert [json.loads(line) for line in reader.done("changes", "--json", "--after", str(after)).splitlines()] == lines[
        -1:
    ]
    assert reader.done("changes", "--after", str(lines[-1]["position"])) == ""
    assert "opened" in reader.done("changes").splitlines()[0]


def test_the_sheet_is_that_of_the_service_in_each_form(reader: Desk) -> None:
    path = f"{reader.url}/v1/rounds/ru-us/istanbul-april/sheet"
    markdown = httpx.get(path, headers={"Accept": "text/markdown"}).text
    assert reader.done("sheet", "ru-us/istanbul-april") == reader.done("sheet", "ru-us/istanbul-april", "--markdown")
    assert reader.done("sheet", "ru-us/istanbul-april").strip() == markdown.strip()
    assert json.loads(reader.done("sheet", "ru-us/istanbul-april", "--json")) == httpx.get(path).json()
    assert reader.run("sheet", "ru-us/nothing").code == 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["status", "ru-us/nothing"], 5),
        (["history", "ru-us/nothing"], 5),
        (["status", "Nothing"], 2),
        (["status", "--as-of-position", "999999"], 1),
        (["status", "--known-at", "tomorrow"], 1),
        (["status", "--effective-on", "10 April"], 1),
        (["status", "--as-of-position", "5", "--known-at", "2025-01-01T00:00:00Z"], 1),
        (["status", "--as-of-postion", "5"], 2),
        (["changes", "--after", "999999"], 1),
    ],
)
def test_what_cannot_be_read_is_said_with_its_exit_code(reader: Desk, arguments: list[str], code: int) -> None:
    ended = reader.run(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err


def test_a_refusal_as_json_is_json(reader: Desk) -> None:
    ended = reader.run("status", "ru-us/nothing", "--json")
    assert json.loads(ended.out)["status"] == 404


def test_a_service_that_is_not_there_is_said(reader: Desk) -> None:
    ended = reader.run("status", "--url", "http://127.0.0.1:9")
    assert ended.code == 3
    assert "http://127.0.0.1:9 cannot be reached" in ended.err


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1"])
def test_what_is_no_address_is_a_matter_of_usage(reader: Desk, url: str) -> None:
    ended = reader.run("status", "--url", url)
    assert (ended.code, "invalid address" in ended.err) == (2, True)


def test_something_else_that_answers_is_not_taken_for_the_service(reader: Desk) -> None:
    ended = reader.run("status", "--url", f"{reader.url}/docs")
    assert ended.code == 5


NOT_THE_SERVICE: dict[str, bytes] = {
    "sign-in page": answer(b"<html>Sign in", 200, "text/html"),
    "redirect": answer(b"", 302, None, Location="https://sso.example/"),
    "error page": answer(b"<html>502 Bad Gateway", 502, "text/html"),
    "empty": answer(b""),
    "cut off": answer(b'{"items": ['),
    "cut off on the way": answer(b'{"items": [', Content_Length="100"),
    "no gzip": answer(b"{}", Content_Encoding="gzip"),
    "other JSON": answer(b"[]"),
    "unasked 304": answer(b"", 304, None),
}


@pytest.mark.parametrize("name", NOT_THE_SERVICE)
def test_what_answers_in_the_place_of_the_service_is_named(reader: Desk, name: str) -> None:
    file = reader.write("report.yaml", "relation: ru-us\ntitle: A report\nevents: []\n")
    with misbehaving(NOT_THE_SERVICE[name]) as server:
        for command in (["status"], ["get", "sources"], ["report", file]):
            ended = reader.run(*command, "--url", server.url)
            assert ended.code == 3
            assert re.search("another service answers at .*; check the address|cannot be reached", ended.err)


def test_whom_one_trusts_is_looked_up_wherever_tls_may_be_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {"SSL_CERT_FILE": "/nowhere/certificates.pem"}
    monkeypatch.setattr(os, "environ", nowhere)
    _trusted("http://127.0.0.1:8000")
    with pytest.raises(FileNotFoundError):
        _trusted("https://irritants.example")
    monkeypatch.setattr(os, "environ", {**nowhere, "http_proxy": "https://proxy.example"})
    with pytest.raises(FileNotFoundError):
        _trusted("http://irritants.example")


def test_a_key_that_is_none_is_said(reader: Desk) -> None:
    reader.monkeypatch.setenv("IRRITANTS_KEY", "irr_000000000000_nothing")
    assert reader.run("status").code == 4


@pytest.mark.parametrize("key", ["irr_1_whis\nper", "irr_1_whispér"])
def test_a_key_that_can_be_no_key_is_said_without_showing_it(reader: Desk, key: str) -> None:
    reader.monkeypatch.setenv("IRRITANTS_KEY", key)
    ended = reader.run("status", "--json")
    assert (ended.code, "IRRITANTS_KEY" in ended.err, "whis" in ended.err + ended.out) == (2, True, False)
