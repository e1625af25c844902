"""Board, matrix, ledger and the other views on both clocks, as JSON of the service and as text for people."""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2 as httpx
import pytest

from tests.cli.conftest import Desk
from tests.cli.test_terminal import ESCAPES, on_a_terminal

R = "/v1/relations/ru-us"
VIEWS = {
    "board": f"{R}/board",
    "matrix": f"{R}/matrix",
    "ledger": f"{R}/ledger",
    "needs-confirmation": f"{R}/needs-confirmation",
    "registers": f"{R}/registers",
    "corroboration": f"{R}/corroboration",
    "dossier ru-us/property-return": "/v1/irritants/ru-us/property-return/dossier",
    "assertions ru-us/property-return": "/v1/irritants/ru-us/property-return/evidence",
    "assertions ru-us/istanbul-april": "/v1/rounds/ru-us/istanbul-april/evidence",
    "assertions ru-us": f"{R}/evidence",
    "status": "/v1/irritants",
    "status ru-us/property-return": "/v1/irritants/ru-us/property-return",
    "status ru-us/istanbul-april": "/v1/rounds/ru-us/istanbul-april",
    "status ru-us": R,
    "sheet ru-us/istanbul-april": "/v1/rounds/ru-us/istanbul-april/sheet",
    "rounds": "/v1/rounds",
}
"""Every view that takes a point on the clocks, and its address in the API."""
LISTS = ("status",)
CODED_DATE = re.compile(r"(?<![\w/-])[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?(?![\w-])")
"""A date as the interface writes it. In ids and addresses it stands after a hyphen or a slash."""


def asked(desk: Desk, path: str, **query: str) -> Any:
    return httpx.get(desk.url + path, params=query).raise_for_status().json()


def before_the_interview(desk: Desk) -> str:
    reports = asked(desk, "/v1/reports")["items"]
    return str(next(r["first_position"] for r in reports if "interview" in r["title"]) - 1)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_equals_that_of_the_service_at_every_point_of_both_clocks(reader: Desk, view: str) -> None:
    position = before_the_interview(reader)
    known = asked(reader, "/v1/reports")["items"][-1]["recorded_at"]
    points: tuple[Mapping[str, str], ...] = (
        {},
        {"as_of_position": position},
        {"known_at": known},
        {"effective_on": "2025-04-10", "date_match": "certain"},
        {"as_of_position": position, "effective_on": "2025-02-28"},
    )
    for point in points:
        options = [part for name, value in point.items() for part in (f"--{name.replace('_', '-')}", value)]
        shown = json.loads(reader.done(*view.split(), *options, "--json"))
        answered = asked(reader, VIEWS[view], **point)
        assert shown == ({"items": answered["items"]} if view in LISTS else answered), point


DRAWN = [view for view in VIEWS if not view.startswith("sheet")]
"""The views that are drawn here. The service writes the Markdown of a sheet."""
HISTORIES = ("history ru-us/banking-access", "history ru-us/istanbul-april", "history ru-us")
GOT = ("get irritants", "get relations/ru-us", "get irritants/ru-us/visas/timeline", "reports", "get sources")


def of_export(desk: Desk, point: Mapping[str, str]) -> str:
    """Return the sentence on a point that the board has as CSV."""
    table = httpx.get(f"{desk.url}{R}/board", params=dict(point), headers={"Accept": "text/csv"}).text
    return next(csv.DictReader(io.StringIO(table)))["reading"]


@pytest.mark.parametrize("view", [*DRAWN, *HISTORIES, *GOT[:3]])
def test_a_reading_of_the_past_begins_with_the_sentence_of_the_exports(reader: Desk, view: str) -> None:
    position = before_the_interview(reader)
    known = asked(reader, "/v1/events", after=position, limit="1")["items"][0]["time"]
    before_it = (datetime.fromisoformat(known) - timedelta(microseconds=1)).isoformat()
    points: tuple[Mapping[str, str], ...] = (
        {"as_of_position": position},
        {"known_at": before_it},
        {"effective_on": "2025-04-12"},
        {"as_of_position": position, "effective_on": "2025-04-12"},
        {"known_at": before_it, "effective_on": "2025-04-12"},
    )
    for point in points:
        options = [part for name, value in point.items() for part in (f"--{name.replace('_', '-')}", value)]
        sentence, *shown = reader.done(*view.split(), *options).splitlines()
        assert sentence == of_export(reader, point)
        assert shown
        assert "Not the current state." not in reader.done(*view.split(), *options, "--json")


@pytest.mark.parametrize("view", [*DRAWN, *HISTORIES, *GOT])
def test_the_present_is_not_called_past(reader: Desk, view: str) -> None:
    head = str(asked(reader, "/v1/events", limit="1000")["next"])
    now = datetime.now(UTC).isoformat()
    takes_a_point = view not in GOT[3:]
    for options in ((), *((("--as-of-position", head), ("--known-at", now)) if takes_a_point else ())):
        assert "Not the current state." not in reader.done(*view.split(), *options)


def test_a_point_in_a_path_or_parameter_is_named_too(reader: Desk) -> None:
    position = before_the_interview(reader)
    sentence = of_export(reader, {"as_of_position": position})
    for arguments in (
        (f"irritants?as_of_position={position}&relation=ru-us",),
        ("rounds", "--param", f"as_of_position={position}"),
    ):
        assert reader.done("get", *arguments).splitlines()[0] == sentence


def test_an_empty_reading_of_the_past_names_its_point(reader: Desk) -> None:
    ended = reader.run("ledger", "--effective-on", "2025-03-01", "--date-match", "certain")
    assert (ended.out, ended.err) == ("Effective on 1 March 2025. Not the current state.\n", "Nothing is on record.\n")
    assert reader.done("status", "--as-of-position", "0") == "As known before the first event. Not the current state.\n"


def test_tables_as_csv_have_no_line_above_them(reader: Desk) -> None:
    for view in ("board", "ledger"):
        table = httpx.get(f"{reader.url}{R}/{view}?as_of_position=112", headers={"Accept": "text/csv"}).text
        assert reader.done(view, "--csv", "--as-of-position", "112").splitlines() == table.splitlines()


@pytest.mark.parametrize("view", [*VIEWS, "difference ru-us", "difference ru-us/visas", "calendar"])
def test_a_future_point_is_refused_and_a_point_before_the_record_finds_nothing(reader: Desk, view: str) -> None:
    beyond = ("--to", "position:999") if view.startswith("difference") else ("--as-of-position", "999")
    ended = reader.run(*view.split(), *beyond)
    assert (ended.code, ended.out) == (1, "")
    assert "beyond the end of the record" in ended.err


def test_a_view_of_an_irritant_before_its_opening_is_not_found(reader: Desk) -> None:
    ended = reader.run("ledger", "ru-us", "--as-of-position", "0")
    assert (ended.code, ended.out) == (5, "")
    assert "there is no relation ru-us on record at this point in time; choose a later point" in ended.err


def test_with_several_relations_one_must_be_named(desk: Desk) -> None:
    desk.done(
        "report",
        desk.write(
            "other.yaml",
            "relation: no-se\ntitle: Others\nevents:\n"
            "  - {stream: relation/no-se, type: RelationOpened, parties: [NO, SE], title: Norway and Sweden}\n",
        ),
    )
    ended = desk.run("matrix")
    assert ended.code == 2
    assert "name the relation; on record: no-se, ru-us" in ended.err
    assert "ru-us/visas" in desk.done("matrix", "ru-us")
    assert desk.run("matrix", "no-se").err.startswith("Nothing is on record.")
    assert "ru-us/moscow-next" in desk.done("rounds")
    assert "ru-us" not in desk.done("rounds", "no-se")


PATHS = {
    "/v1/rounds": "/v1/rounds",
    "sources": "/v1/sources",
    "sources/a1-hasanova": "/v1/sources/a1-hasanova",
    "reports?limit=3": "/v1/reports?limit=3",
    "events?stream=irritant/ru-us/visas": "/v1/events?stream=irritant/ru-us/visas",
    "irritants/ru-us/visas/timeline": "/v1/irritants/ru-us/visas/timeline",
    "irritants/ru-us/visas/dossier": "/v1/irritants/ru-us/visas/dossier",
    "relations/ru-us/ledger": f"{R}/ledger",
    "relations/ru-us": R,
    "/readyz": "/readyz",
}


@pytest.mark.parametrize("path", PATHS)
def test_get_prints_any_document_as_the_service_answers_it(reader: Desk, path: str) -> None:
    answered = httpx.get(reader.url + PATHS[path]).raise_for_status().json()
    assert json.loads(reader.done("get", path, "--json")) == answered
    drawn = ESCAPES.sub("", on_a_terminal("get", path))
    assert drawn.strip()
    assert max(map(len, drawn.splitlines())) <= 100


def test_get_shows_a_path_like_the_command_for_it(reader: Desk) -> None:
    for word, path in {
        "ledger": "relations/ru-us/ledger",
        "matrix": "relations/ru-us/matrix",
        "rounds": "rounds",
        "reports ru-us": "reports?relation=ru-us&order=newest",
        "reports --param limit=3": "reports?limit=3&order=newest",
        "calendar": "relations/ru-us/calendar.ics",
        "assertions ru-us/istanbul-april": "rounds/ru-us/istanbul-april/evidence",
    }.items():
        assert reader.done("get", path) == reader.done(*word.split())


def test_a_document_without_a_table_is_shown_by_its_members(reader: Desk) -> None:
    said = reader.done("get", "sources")
    assert said.splitlines()[0].split()[:3] == ["id", "position", "version"]
    assert "a1-hasanova" in said
    assert "ru-us/visas" in reader.done("get", "irritants/ru-us/visas")


def test_parameters_may_be_in_the_path_separate_or_options(reader: Desk) -> None:
    expected = asked(reader, "/v1/irritants", relation="ru-us", status="understanding", as_of_position="60")
    for parts in (
        ["irritants?relation=ru-us&status=understanding&as_of_position=60"],
        ["irritants?relation=ru-us", "--param", "status=understanding", "--as-of-position", "60"],
    ):
        assert json.loads(reader.done("get", *parts, "--json")) == expected


@pytest.mark.parametrize(
    ("parts", "code", "said"),
    [
        (["irritants?relation=ru-us", "--param", "relation=ru-us"], 2, "the parameter relation is given twice"),
        (["irritants?as_of_position=1", "--as-of-position", "1"], 2, "the parameter as_of_position is given twice"),
        (["irritants", "--param", "relation"], 2, "use NAME=VALUE"),
        (["irritants", "--param", "=ru-us"], 2, "use NAME=VALUE"),
        (["irritants", "--param", "colour=red"], 1, "colour"),
        (["irritants/ru-us/nothing"], 5, "on record"),
        (["nowhere"], 5, ""),
        (["rounds", "--csv"], 1, "application/json"),
        (["events/live"], 2, "changes --follow"),
    ],
    ids=str,
)
def test_a_failed_get_has_its_message(reader: Desk, parts: list[str], code: int, said: str) -> None:
    ended = reader.run("get", *parts)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


@pytest.mark.parametrize(
    "path", ["sources", "events", "changes", "irritants/ru-us/visas/events", "irritants/ru-us/visas/timeline"]
)
def test_a_partial_list_says_so_and_all_pages_can_be_read(reader: Desk, path: str) -> None:
    whole = asked(reader, f"/v1/{path}", limit="1000")["items"]
    first = reader.run("get", path, "--param", "limit=2", "--json")
    assert json.loads(first.out)["items"] == whole[:2]
    assert "add --all, or --param" in first.err
    name, _, value = first.err.partition("--param ")[2].partition(" ")[0].partition("=")
    following = json.loads(reader.run("get", path, "--param", "limit=2", "--param", f"{name}={value}", "--json").out)
    assert following["items"] == whole[2:4]
    every = reader.run("get", path, "--param", "limit=2", "--all", "--json")
    assert (json.loads(every.out)["items"], every.err) == (whole, "")


def test_a_complete_list_has_no_note(reader: Desk) -> None:
    assert reader.run("get", "rounds").err == ""
    assert reader.run("get", "relations/ru-us/board").err == ""


def test_a_command_without_its_id_is_refused(reader: Desk) -> None:
    ended = reader.run("assertions")
    assert (ended.code, "name an irritant, a round or a relation" in ended.err) == (2, True)


def rows(said: str, heading: str | None = None) -> list[str]:
    """Return the lines of a table without its heading."""
    table = said if heading is None else said.partition(f"{heading}\n")[2]
    return table.split("\n\n")[0].strip().splitlines()[1:]


def test_the_ledger_lists_steps_rounds_to_come_and_proposals(reader: Desk) -> None:
    said = reader.done("ledger")
    assert [(row.split()[0], "open" in row) for row in rows(said, "Next steps")] == [
        ("ru-us/banking-access", True),
        ("ru-us/diplomat-movement", True),
        ("ru-us/visas", True),
        ("ru-us/moscow-next", True),
    ]
    assert [row.split()[:2] for row in rows(said, "Proposals")] == [
        ["ru-us/direct-flights", "offer"],
        ["ru-us/property-return", "demand"],
    ]


def test_days_are_counted_to_the_given_day(reader: Desk) -> None:
    assert json.loads(reader.done("ledger", "--on", "2025-06-01", "--json")) == asked(
        reader, f"{R}/ledger", on="2025-06-01"
    )
    aged = json.loads(reader.done("registers", "--on", "2025-06-01", "--json"))
    assert aged == asked(reader, f"{R}/registers", on="2025-06-01")
    (flights,) = (
        row
        for row in rows(reader.done("registers", "--on", "2025-06-01"), "Latest statements, by date")
        if "flights" in row
    )
    assert "  94 " in flights
    assert reader.run("ledger", "--on", "June").code == 2


@pytest.mark.parametrize("view", ["board", "ledger"])
def test_csv_output_equals_that_of_the_service(reader: Desk, view: str) -> None:
    answered = httpx.get(f"{reader.url}{R}/{view}", headers={"Accept": "text/csv"}).text
    assert reader.done(view, "--csv").splitlines() == answered.splitlines()
    ended = reader.run(view, "--csv", "--json")
    assert ended.code == 2


def test_the_matrix_has_the_statements_of_each_side_and_silent_sides(reader: Desk) -> None:
    banking, *_, visas = (re.split(" {2,}", row) for row in rows(reader.done("matrix")))
    assert banking[2].startswith("understanding; “committed”; perhaps its last statement: Next step agreed")
    assert banking[3].startswith("formalised; “understanding”; last statement: Instrument exchanged")
    assert visas[3] == "silent"


def test_needs_confirmation_has_reasons_and_remedies(reader: Desk) -> None:
    said = rows(reader.done("needs-confirmation"))
    (agrement,) = (row for row in said if "agrément" in row)
    assert re.split(" {2,}", agrement)[:2] == ["relation/ru-us", "Reported by media only"]
    assert agrement.endswith("A statement by either side.")


def test_the_board_has_the_rung_of_each_irritant_after_each_round(reader: Desk) -> None:
    over = rows(reader.done("board"), "Over the rounds")
    assert [row.split() for row in over if "visas" in row] == [
        ["ru-us/visas", "nothing", "understanding", "(confirmed", "nothing)"]
    ]


def test_the_rounds_have_their_dates_and_who_says_so(reader: Desk) -> None:
    april, february, moscow = rows(reader.done("rounds"))
    assert re.split(" {2,}", april)[3:5] == ["10 April 2025", "at least 5"]
    assert re.split(" {2,}", february)[3:5] == ["27 February 2025", "6"]
    assert moscow.split() == ["ru-us/moscow-next", "announced", "Moscow", "soon", "-", "Russia", "yes"]


def test_the_calendar_has_the_rounds_with_a_known_day(reader: Desk) -> None:
    answered = httpx.get(f"{reader.url}{R}/calendar.ics").text
    assert reader.done("calendar").splitlines() == answered.splitlines()
    assert json.loads(reader.done("calendar", "--json")) == {"calendar": answered}


def test_the_dossier_has_the_words_of_each_side_and_silence(reader: Desk) -> None:
    said = reader.done("dossier", "ru-us/banking-access")
    assert [row.split()[0] for row in rows(said, "Said by the United States")] == ["formalised"]
    assert [row.split()[:2] for row in rows(said, "Changes of wording")] == [
        ["Russia", "committed"],
        ["The", "United"],
        ["Media", "assurances"],
        ["Media", "formalising"],
    ]
    assert "Media: assurances" in said.partition("Instruments\n")[2]
    assert reader.run("dossier", "ru-us/istanbul-april").code == 5


def test_assertions_have_their_documents_and_paragraphs(reader: Desk) -> None:
    _, moscow = rows(reader.done("assertions", "ru-us/moscow-next"))
    assert "Russia, Alexander Darchiev  darchiev-interview" in moscow
    assert (
        "Brussels Morning Newspaper: 4, 6, 13 · Outlet not named; by-line Tamilla Hasanova: 2, 5"
        " · Outlet not named; translation by Iurie Tataru: 4, 6"
    ) in moscow


def test_a_difference_is_explained_event_by_event(desk: Desk) -> None:
    before = before_the_interview(desk)
    path = "/v1/irritants/ru-us/property-return/difference"
    told = json.loads(desk.done("difference", "ru-us/property-return", "--from", f"position:{before}", "--json"))
    assert told == asked(desk, path, **{"from": f"position:{before}"})
    said = desk.done("difference", "ru-us", "--from", "round:istanbul-april")
    assert "status           nothing → proposed" in said
    assert "Russia           unstated → proposed" in said
    assert "something happened  Proposal tabled" in said
    assert desk.done("difference", "ru-us", "--from", f"position:{before}", "--to", f"position:{before}").strip() == (
        "No difference."
    )
    corrected = ("correct", "ru-us/property-return@12", "--set", "terms=Return of the properties", "--reason", "Short")
    desk.done(*corrected)
    explained = desk.done("difference", "ru-us/property-return", "--from", f"position:{before}")
    assert "the record was corrected" in explained
    assert desk.run("difference", "ru-us/visas", "--from", "yesterday").code == 1


@pytest.mark.parametrize(
    "view",
    [
        *(view for view in VIEWS if not view.startswith("sheet")),
        *(
            "history ru-us/banking-access",
            "history ru-us/istanbul-april",
            "history ru-us",
            "history source/a1-hasanova",
        ),
        *("changes", "difference ru-us", "search bank", "reports", "get sources", "get sources/a1-hasanova"),
        *("ledger --on 2026-01-01", "registers --on 2026-01-01", "get relations/ru-us/timeline --all"),
    ],
)
def test_tables_have_dates_in_words(reader: Desk, view: str) -> None:
    drawn = reader.done(*view.split())
    assert CODED_DATE.findall(drawn) == []


def test_dates_in_tables_are_those_of_the_pages(reader: Desk) -> None:
    concluded = [row for row in reader.done("history", "ru-us/istanbul-april").splitlines() if "concluded" in row]
    assert concluded
    assert all(row.startswith("10 April 2025") for row in concluded)
    assert "on or after 10 April 2025, day unknown" in reader.done("dossier", "ru-us/banking-access")


@pytest.mark.parametrize("view", [*VIEWS, "difference ru-us", "history ru-us/banking-access"])
def test_every_view_fits_the_width_of_a_terminal(reader: Desk, view: str) -> None:
    drawn = ESCAPES.sub("", on_a_terminal(*view.split()))
    assert max(map(len, drawn.splitlines())) <= 100
    assert "ru-us" in drawn or "Round sheet" in drawn


@pytest.mark.parametrize("view", ["needs-confirmation ru-us", "changes", "search bank", "reports", "get sources"])
def test_a_table_on_a_terminal_of_80_columns_breaks_no_word(reader: Desk, view: str) -> None:
    in_a_pipe = {word.strip("“”,.;:()") for word in reader.done(*view.split()).split()}
    lines = ESCAPES.sub("", on_a_terminal(*view.split(), columns=80)).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    words = {word.strip("“”,.;:()") for line in lines for word in line.split() if word.strip("─·")}
    assert {word for word in words if not any(word in whole for whole in in_a_pipe)} == set()
    parts = {word for word in words if word.isalpha() and word not in in_a_pipe}
    assert parts == set()
