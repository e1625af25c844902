"""Relations, irritants, rounds, actors and persons begin in the form by their titles, without scripts."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.store.engine import open_engine
from tests.keys import key_on
from tests.web.conftest import Clock, browsing, sign_in, site
from tests.web.pages import Page
from tests.web.paper import opened

BLANK = "/file?relation=ru-us"


@pytest.fixture
def nothing(database_url: str) -> Iterator[Engine]:
    """A record without any event."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def first(nothing: Engine, database_url: str) -> Iterator[TestClient]:
    """A browser that is signed in on that record with a key that may report."""
    with browsing(site(database_url, Clock())) as client:
        sign_in(client, key_on(nothing))
        yield client


def test_the_first_relation_is_named_by_two_states_and_its_report_is_filed(first: TestClient) -> None:
    begun = first.get("/file", params={"one": "Frankreich", "other": "algeria"})
    assert (begun.status_code, begun.headers["location"]) == (303, "/file?relation=dz-fr")
    paper = opened(first, "/file?relation=dz-fr")
    assert (paper.fields["e1-type"], paper.fields["e1-parties"]) == ("RelationOpened", "Algeria\nFrance")
    paper = paper.write("title", "The first readout").write("new-irritant", "Consular staff").press("open")
    paper = paper.fill(2, category="Consular affairs")
    paper = paper.write("new-document", "Communiqué, 19 May").press("register")
    assert paper.fields["e3-stream"] == "source/communique-19-may"
    paper = paper.fill(3, publisher="Ministry of Foreign Affairs", paragraphs="4", published="2025-05-19")
    paper = paper.write("new-utterance", "Communiqué of 19 May").press("utter")
    paper = paper.fill(4, speaker="The Ministry", party="Algérie", channel="quote")
    stream = "irritant/dz-fr/consular-staff"
    paper = paper.write(f"type-of-{stream}", "ConcernRaised").press(f"add {stream}")
    paper = paper.fill(5, summary="It protests against the expulsion.", asserted_by__party="the Algeria")
    paper = paper.fill(5, source__paragraphs="2", occurred="2025-05-19")
    answer = paper.send("file")
    assert answer.status_code == 303, answer.text
    row = first.get("/v1/relations/dz-fr/board").json()["items"][0]
    assert (row["title"], row["category"], row["rungs"]) == (
        "Consular staff",
        "consular-affairs",
        {"DZ": "raised", "FR": "unstated"},
    )
    assert first.get("/v1/relations/dz-fr/board").json()["title"] == "Algeria and France"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("Algiria", "France", "the nearest: Algeria (DZ)"),
        ("France", "", "Write the name of a state."),
        ("France", "FR", "A relation has two different parties; France is named twice"),
        ("France", "media", "are not two codes of states"),
    ],
)
def test_states_that_make_no_relation_are_explained_at_their_field(
    first: TestClient, one: str, other: str, words: str
) -> None:
    page = first.get("/file", params={"one": one, "other": other})
    assert page.status_code == 422
    assert words in page.text
    assert f'value="{one}"' in page.text, "what was written stays"


def test_a_round_of_a_new_relation_opens_the_relation_first(first: TestClient) -> None:
    paper = opened(first, "/file?round=dz-fr/algiers")
    assert [paper.fields[f"e{n}-type"] for n in (1, 2)] == ["RelationOpened", "RoundConvened"]
    assert paper.all("shown") == ["relation/dz-fr", "round/dz-fr/algiers"]


def test_an_empty_record_says_how_to_begin(first: TestClient, nothing: Engine, database_url: str) -> None:
    begin = {"/": "Open the first relation", "/sources": "File a report", "/changes": "File a report"}
    for address, words in begin.items():
        assert re.search(rf'class="empty">[^<]+<a href="/file">\s*{words}', first.get(address).text), address
    with browsing(site(database_url, Clock())) as visitor:
        assert "/sign-in?next=/file" in Page.of(visitor.get("/")).links, "who is not signed in does that first"
        sign_in(visitor, key_on(nothing, "read"))
        assert 'class="empty">Nothing is on record yet.' in visitor.get("/").text
        assert "Open the first relation" not in visitor.get("/").text, "a reader may open nothing"


def test_an_empty_board_says_how_to_open_an_irritant(first: TestClient) -> None:
    paper = opened(first, "/file?relation=dz-fr").write("title", "The relation")
    assert paper.send("file").status_code == 303
    page = Page.of(first.get("/"))
    assert "No irritant of this relation is on record." in page.said
    assert "/file?relation=dz-fr" in page.links


def test_a_round_begins_with_what_is_said_of_it(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-round", "Third round on visas")
    assert paper.choices("new-round-begins-with") == ["RoundConvened", "RoundScheduled", "RoundAnnounced"]
    paper = paper.write("new-round-begins-with", "RoundAnnounced").press("open-round")
    assert (paper.fields["e1-stream"], paper.fields["e1-type"]) == (
        "round/ru-us/third-round-on-visas",
        "RoundAnnounced",
    )
    again = paper.write("new-round", "third round on visas").press("open-round")
    assert "e2-type" not in again.fields, "the round is in the report already"
    titled = again.write("new-round", "Третий раунд").press("open-round")
    assert [titled.fields[f"e{n}-type"] for n in (2, 3)] == ["RoundConvened", "RoundTitled"]
    assert titled.fields["e3-title"] == "Третий раунд"
    assert "e4-type" not in titled.write("new-round", "Третий раунд").press("open-round").fields
    known = opened(desk, BLANK).write("new-round", "Istanbul April").press("open-round")
    assert "round/ru-us/istanbul-april" in known.all("shown")
    assert "e1-type" not in known.fields


def test_an_organisation_or_a_state_is_named_by_its_name(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-actor", "the African Union").press("name")
    begun = {name: value for name, value in paper.fields.items() if name.startswith("e1-")}
    assert begun == {
        "e1-stream": "actor/african-union",
        "e1-type": "ActorRegistered",
        "e1-actor": "african-union",
        "e1-kind": "organisation",
        "e1-names": "the African Union",
    }
    paper = paper.write("new-actor", "Turkey").press("name")
    assert [paper.fields[f"e2-{field}"] for field in ("actor", "kind", "names")] == ["TR", "state", "Turkey"]
    assert "African Union" in paper.page.text


def test_a_person_is_added_by_name_once(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-person", "Анна Иванова").press("name-person")
    begun = [paper.fields[f"e1-{field}"] for field in ("type", "person", "names")]
    assert begun == ["PersonNamed", "anna-ivanova", "Анна Иванова"]
    assert "e2-type" not in paper.write("new-person", "анна иванова").press("name-person").fields
    known = opened(desk, BLANK).write("new-person", "Alexander Darchiev").press("name-person")
    assert "e1-type" not in known.fields, "the person is on record"


def test_two_documents_with_one_title_have_different_ids(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-document", "Readout").press("register")
    paper = paper.write("new-document", "Readout").press("register")
    assert [paper.fields[f"e{n}-stream"] for n in (1, 2)] == ["source/readout", "source/readout-2"]


def test_two_long_titles_that_begin_alike_open_two_irritants(desk: TestClient) -> None:
    long = "The return of the buildings of the trade mission and the archive in "
    paper = opened(desk, BLANK).write("new-irritant", f"{long}Washington").press("open")
    paper = paper.write("new-irritant", f"{long}Moscow").press("open")
    assert paper.fields["e2-stream"] == f"{paper.fields['e1-stream']}-2"
    paper = paper.write("new-irritant", f"{long}Moscow").press("open")
    assert "e3-type" not in paper.fields, "this title is in the report already"
