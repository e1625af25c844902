"""`status`, `history` and `changes` on the seeds, in the present and in the past, and their errors."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime

import httpx2 as httpx
import pytest

from service.cli.client import _trusted_certificates
from service.domain.catalogue import KINDS
from service.projections.formats import WORD
from tests.cli.conftest import Desk
from tests.cli.test_terminal import answered_on_a_terminal
from tests.clients.misbehaving import answer, misbehaving

BANKING = "ru-us/banking-access"


def test_the_board_has_each_irritant_with_statuses_basis_and_awaiting(reader: Desk) -> None:
    head, *rows = [re.split(" {2,}", line) for line in reader.done("status").splitlines()]
    assert head[:7] == ["irritant", "claimed", "confirmed", "reported", "basis", "origins", "awaiting"]
    assert [row[:7] for row in rows] == [
        ["ru-us/banking-access", "formalised", "understanding", "formalised", "one side", "1", "Both sides"],
        ["ru-us/diplomat-movement", "understanding", "raised", "understanding", "one side", "1", "Both sides"],
        ["ru-us/direct-flights", "proposed", "nothing", "proposed", "attributed", "1", "The United States"],
        ["ru-us/property-return", "proposed", "nothing", "in talks", "one side", "1", "The United States"],
        ["ru-us/visas", "understanding", "nothing", "understanding", "one side", "1", "Both sides"],
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
def test_json_output_is_the_answer_of_the_service(reader: Desk, id: str, path: str) -> None:
    assert json.loads(reader.done("status", id, "--json")) == httpx.get(reader.url + path).json()


def test_one_irritant_is_shown_with_each_mark_and_each_side(reader: Desk) -> None:
    shown = reader.done("status", BANKING)
    assert " ·    ·    ·    ·    ■    ◆○   ·    ·" in shown
    assert "■ confirmed understanding" in shown
    assert "◆ claimed   formalised" in shown
    assert "  Russia: understanding  “committed”" in shown


def test_a_relation_shows_its_format_and_excluded_subjects(reader: Desk) -> None:
    shown = reader.done("status", "ru-us")
    assert "format    capitals, preliminary, reversible; said by Russia; not said by the United States" in shown
    assert "excluded  ukraine; said by the United States" in shown
    assert "ru-us/visas" in shown


def test_a_round_shows_its_place_and_length(reader: Desk) -> None:
    shown = reader.done("status", "ru-us/istanbul-april")
    shown_of = [line.split(maxsplit=1) for line in shown.splitlines() if "Istanbul" in line]
    assert shown_of == [["name", "Istanbul April"], ["place", "Istanbul"]]
    assert "hours 5, qualifier at least" in shown


def test_a_reading_as_of_the_position_before_the_interview(reader: Desk) -> None:
    filed = httpx.get(f"{reader.url}/v1/reports").json()["items"]
    before = str(next(r["first_position"] for r in filed if "interview" in r["title"]) - 1)
    shown = json.loads(reader.done("status", "ru-us/property-return", "--as-of-position", before, "--json"))
    assert (shown["status"], shown["reported_status"], shown["basis"], shown["origins"]) == (
        *("unstated", "in_talks", "media_only", 2),
    )
    assert "Proposal tabled" not in reader.done("history", "ru-us/property-return", "--as-of-position", before)
    assert reader.run("status", "ru-us/moscow-next", "--as-of-position", before).code == 5


def test_days_in_options_are_written_as_people_write_them(reader: Desk) -> None:
    by_day = [reader.done("status", "--effective-on", day) for day in ("10 April 2025", "10.4.2025", "2025-04-10")]
    assert len(set(by_day)) == 1
    # The last moment of today is not over, so the record is read as it is now.
    assert reader.done("status", "--known-at", datetime.now(UTC).date().isoformat()) == reader.done("status")
    assert "No irritant is on record at this point." in reader.run("status", "--known-at", "1 January 2020").err
    assert "due" in reader.done("ledger", "--on", "1 September 2025")
    found = [reader.done("search", "the", "--from", day) for day in ("1 March 2025", "2025-03-01")]
    assert found[0] == found[1]
    for option in (["status", "--known-at"], ["status", "--effective-on"], ["ledger", "--on"], ["search", "x", "--to"]):
        ended = reader.run(*option, "6/7/2025")
        assert (ended.code, ended.out) == (2, "")
        assert f"{option[-1]} could be 6 July 2025 or 7 June 2025; write one of these" in ended.err


def test_a_reading_effective_on_a_day(reader: Desk) -> None:
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
    assert "Russia, Ministry of Foreign Affairs (paraphrase)" in told
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


def test_changes_are_those_of_the_feed(reader: Desk) -> None:
    lines = [json.loads(line) for line in reader.done("changes", "--json").splitlines()]
    assert lines == httpx.get(f"{reader.url}/v1/changes").json()["items"]
    after = lines[-2]["position"]
    assert [json.loads(line) for line in reader.done("changes", "--json", "--after", str(after)).splitlines()] == lines[
        -1:
    ]
    assert reader.done("changes", "--after", str(lines[-1]["position"])) == ""
    header, first, *_ = reader.done("changes").splitlines()
    assert header.startswith("“The relation, its five irritants")
    assert "ru-us/banking-access  It was opened; no status is claimed yet.  something happened" in first


def test_changes_since_a_day_a_position_or_a_round_are_shown_by_report(reader: Desk) -> None:
    told = reader.done("changes", "--since", "ru-us/istanbul-february")
    assert told.startswith("“Direct flights put forward by the Russian side”")
    assert "ru-us/direct-flights  The claimed and the reported status went from nothing to proposed." in told
    assert "opened" not in told
    assert reader.done("changes", "--since", "istanbul-february", "--relation", "ru-us") == told
    assert reader.done("changes", "--since", "67") == told
    assert reader.done("changes", "--since", "6.6.2020") == reader.done("changes")
    lines = reader.done("changes", "--since", "position:67", "--json").splitlines()
    assert lines == reader.done("changes", "--after", "67", "--json").splitlines()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--since", "6/7/2025"], "--since could be 6 July 2025 or 7 June 2025"),
        (["--since", "soon"], "--since must be a day, a position or a round"),
        (["--since", "4", "--after", "3"], "exclude each other"),
    ],
)
def test_a_point_that_cannot_be_read_is_a_mistake_of_the_command_line(
    reader: Desk, options: list[str], why: str
) -> None:
    ended = reader.run("changes", *options)
    assert ended.code == 2
    assert why in ended.err


def test_a_citation_is_printed_with_the_whole_address(reader: Desk) -> None:
    told = reader.done("cite", "ru-us/visas@2").strip()
    found = json.loads(reader.done("cite", "ru-us/visas@2", "--json"))
    assert told == found["text"].replace(found["link"], f"{reader.url}{found['link']}")
    past = reader.done("cite", "ru-us/visas@2", "--as-of-position", "110")
    assert "?as_of_position=110 (position" in past


def test_a_dossier_is_printed_as_markdown(reader: Desk) -> None:
    path = f"{reader.url}/v1/irritants/ru-us/visas/dossier"
    markdown = httpx.get(path, headers={"Accept": "text/markdown"}).text
    assert reader.done("dossier", "ru-us/visas", "--markdown").strip() == markdown.strip()
    past = reader.done("dossier", "ru-us/visas", "--markdown", "--as-of-position", "110")
    assert re.search(r"^\*\*As known on .+ Not the current state\.\*\*$", past, re.MULTILINE)
    assert reader.run("dossier", "ru-us/visas", "--markdown", "--json").code == 2


SHEET, DOSSIER = "sheet ru-us/istanbul-april", "dossier ru-us/visas"
EXPORTED = {SHEET: "/v1/rounds/ru-us/istanbul-april/sheet", DOSSIER: "/v1/irritants/ru-us/visas/dossier"}
FORMATS = {"word": (WORD, "docx"), "markdown": ("text/markdown", "md"), "csv": ("text/csv", "csv")}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("command", EXPORTED)
def test_a_sheet_and_a_dossier_are_saved_as_the_pages_export_them(reader: Desk, command: str, format: str) -> None:
    media_type, ending = FORMATS[format]
    for point in ((), ("--as-of-position", "110")):
        query = {"as_of_position": "110"} if point else {}
        exported = httpx.get(reader.url + EXPORTED[command], params=query, headers={"Accept": media_type}).content
        named = reader.folder / f"named{len(point)}.{ending}"
        ended = reader.run(*command.split(), *point, "--output", str(named))
        assert (ended.code, ended.out, ended.err.strip()) == (0, "", f"{named} was written.")
        assert named.read_bytes() == exported
        other = reader.folder / f"other{len(point)}"
        assert reader.run(*command.split(), *point, "--format", format, "-o", str(other)).code == 0
        assert other.read_bytes() == exported


@pytest.mark.parametrize("command", EXPORTED)
def test_an_export_without_a_file_is_printed(reader: Desk, command: str) -> None:
    path = reader.url + EXPORTED[command]
    for format in ("markdown", "csv"):
        printed = reader.done(*command.split(), "--format", format)
        assert printed.splitlines() == httpx.get(path, headers={"Accept": FORMATS[format][0]}).text.splitlines()
        assert reader.done(*command.split(), "--format", format, "--output", "-") == printed
    piped = subprocess.run(
        [sys.executable, "-m", "service", *command.split(), "--format", "word"], capture_output=True, check=True
    )
    assert piped.stdout == httpx.get(path, headers={"Accept": WORD}).content
    assert reader.done(*command.split(), "--markdown") == reader.done(*command.split(), "--format", "markdown")


def test_word_is_not_printed_on_a_terminal(reader: Desk) -> None:
    for output in ((), ("--output", "-")):
        shown, code = answered_on_a_terminal("sheet", "ru-us/istanbul-april", "--format", "word", *output)
        assert code == 2
        assert "word is a binary format and is not printed on a terminal; add --output istanbul-april.docx" in shown


def test_an_export_replaces_a_file_only_if_asked_to(reader: Desk) -> None:
    file = reader.write("sheet.md", "My notes.")
    ended = reader.run("sheet", "ru-us/istanbul-april", "--output", file)
    assert (ended.code, ended.out) == (1, "")
    assert "was not replaced: it exists. Name another file, or use --force" in ended.err
    assert file.read_text(encoding="utf-8") == "My notes."
    assert reader.run("sheet", "ru-us/istanbul-april", "--output", file, "--force").code == 0
    assert file.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--markdown", "--format", "csv"], "--markdown and --format csv exclude each other; use one of them"),
        (["--format", "word", "--json"], "--format and --json exclude each other; use one of them"),
        (["--output", "sheet.md", "--json"], "--output and --json exclude each other; redirect JSON with > FILE"),
        (
            ["--output", "sheet.odt"],
            "the name sheet.odt does not say the format; add --format, or use an ending: .docx",
        ),
        (["--format", "pdf"], "pdf"),
    ],
)
@pytest.mark.parametrize("command", EXPORTED)
def test_options_of_an_export_that_do_not_fit_are_refused(
    reader: Desk, command: str, options: list[str], said: str
) -> None:
    ended = reader.run(*command.split(), *options)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())


def test_an_export_of_an_unknown_round_writes_no_file(reader: Desk) -> None:
    file = reader.folder / "sheet.docx"
    ended = reader.run("sheet", "ru-us/nothing", "--output", file)
    assert (ended.code, file.exists()) == (5, False)


def test_the_sheet_equals_that_of_the_service_in_each_format(reader: Desk) -> None:
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
        (["status", "--known-at", "tomorrow"], 2),
        (["status", "--known-at", "2125-01-01"], 2),
        (["status", "--known-at", "2125-01-01T00:00:00Z"], 1),
        (["status", "--effective-on", "10 April"], 2),
        (["status", "--as-of-position", "5", "--known-at", "2025-01-01T00:00:00Z"], 1),
        (["status", "--as-of-postion", "5"], 2),
        (["changes", "--after", "999999"], 1),
    ],
)
def test_a_failed_read_has_its_message_and_exit_code(reader: Desk, arguments: list[str], code: int) -> None:
    ended = reader.run(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err


def test_a_refusal_with_the_json_option_is_json(reader: Desk) -> None:
    ended = reader.run("status", "ru-us/nothing", "--json")
    assert json.loads(ended.out)["status"] == 404


def test_an_unreachable_service_is_reported(reader: Desk) -> None:
    ended = reader.run("status", "--url", "http://127.0.0.1:9")
    assert ended.code == 3
    assert "http://127.0.0.1:9 cannot be reached" in ended.err


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1"])
def test_an_invalid_address_is_a_usage_error(reader: Desk, url: str) -> None:
    ended = reader.run("status", "--url", url)
    assert (ended.code, "invalid address" in ended.err) == (2, True)


def test_another_server_is_not_mistaken_for_the_service(reader: Desk) -> None:
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
def test_an_answer_of_another_server_is_described(reader: Desk, name: str) -> None:
    file = reader.write("report.yaml", "relation: ru-us\ntitle: A report\nevents: []\n")
    with misbehaving(NOT_THE_SERVICE[name]) as server:
        for command in (["status"], ["get", "sources"], ["report", file]):
            ended = reader.run(*command, "--url", server.url)
            assert ended.code == 3
            assert re.search("another service answers at .*; check the address|cannot be reached", ended.err)


def test_certificate_authorities_are_loaded_wherever_tls_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {"SSL_CERT_FILE": "/nowhere/certificates.pem"}
    monkeypatch.setattr(os, "environ", nowhere)
    _trusted_certificates("http://127.0.0.1:8000")
    with pytest.raises(FileNotFoundError):
        _trusted_certificates("https://irritants.example")
    monkeypatch.setattr(os, "environ", {**nowhere, "http_proxy": "https://proxy.example"})
    with pytest.raises(FileNotFoundError):
        _trusted_certificates("http://irritants.example")


def test_an_invalid_key_is_reported(reader: Desk) -> None:
    reader.monkeypatch.setenv("IRRITANTS_KEY", "irr_000000000000_nothing")
    assert reader.run("status").code == 4


@pytest.mark.parametrize("key", ["irr_1_whis\nper", "irr_1_whispér"])
def test_a_malformed_key_is_reported_and_not_shown(reader: Desk, key: str) -> None:
    reader.monkeypatch.setenv("IRRITANTS_KEY", key)
    ended = reader.run("status", "--json")
    assert (ended.code, "IRRITANTS_KEY" in ended.err, "whis" in ended.err + ended.out) == (2, True, False)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["status", "us-ru/visas"], "use ru-us/visas"),
        (["status", "RU-US"], "use ru-us"),
        (["history", "us-ru/visas"], "use ru-us/visas"),
        (["dossier", "us-ru/visas"], "use ru-us/visas"),
        (["sheet", "us-ru/istanbul-april"], "use ru-us/istanbul-april"),
        (["matrix", "us-ru"], "use ru-us"),
        (["difference", "us-ru/visas"], "use ru-us/visas"),
        (["changes", "--relation", "us-ru"], "use ru-us"),
        (["report", "--template", "us-ru/istanbul-april"], "use ru-us/istanbul-april"),
    ],
)
def test_an_id_in_the_wrong_order_is_answered_with_the_right_one(
    reader: Desk, arguments: list[str], meant: str
) -> None:
    ended = reader.run(*arguments)
    assert ended.code != 0
    assert meant in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "ru-us/visa"], "there is no irritant or round ru-us/visa on record; similar names: ru-us/visas"),
        (["history", "ru-us/visa"], "similar names: ru-us/visas"),
        (
            ["dossier", "ru-us/visa"],
            "there is no irritant ru-us/visa on record; similar names: ru-us/visas. `irritants status`",
        ),
        (
            ["sheet", "ru-us/istanbul"],
            "there is no round ru-us/istanbul on record; similar names: ru-us/istanbul-april",
        ),
        (["difference", "ru-us/visa"], "there is no irritant ru-us/visa on record; similar names: ru-us/visas"),
        (["status", "source/zzz"], "there is no document zzz on record; check the name. `irritants get sources` lists"),
    ],
)
def test_an_unknown_id_is_answered_with_near_ones(reader: Desk, arguments: list[str], said: str) -> None:
    ended = reader.run(*arguments)
    assert (ended.code, said in ended.err) == (5, True), ended.err


NAMED = {
    "irritant": "irritant/ru-us/visas",
    "round": "round/ru-us/istanbul-april",
    "relation": "relation/ru-us",
    "source": "source/a2-tataru",
    "actor": "actor/african-union",
}
"""A stream of each kind."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_stream_is_read_and_amended_by_its_name(desk: Desk, kind: str) -> None:
    stream = NAMED[kind]
    desk.done("new", "organisation", "the African Union", "--relation", "ru-us")
    assert desk.done("status", stream)
    names = re.findall(r"\S+@[0-9]+", desk.done("history", stream))
    assert desk.done("cite", names[0])
    for command in (["retract", names[0]], ["correct", names[0], "--set", "title=Another"]):
        ended = desk.run(*command, "--reason", "A slip", "--dry-run")
        assert ended.code in (0, 1), ended.err
    missing = "relation/fr-us" if kind == "relation" else f"{stream}-x"
    assert desk.run("history", missing).code == 5


def test_the_name_of_an_organisation_is_corrected(desk: Desk) -> None:
    desk.done("new", "organisation", "the African Union", "--relation", "ru-us")
    desk.done("correct", "actor/african-union@1", "--set", 'names=["the AU"]', "--reason", "A slip")
    assert re.search(r"title +the AU$", desk.done("status", "actor/african-union"), re.MULTILINE)
    assert desk.run("status", "actor/african-union", "--as-of-position", "127").code == 5
    assert (
        "actor/african-union has no document" in desk.run("difference", "actor/african-union", "--from", "round:x").err
    )
