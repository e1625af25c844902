"""Persons are chosen by name, in every spelling on record. No operator writes or reads a slug."""

import re
from html import unescape

from starlette.testclient import TestClient

from tests.web.paper import Paper, opened
from tests.web.test_correcting import last
from tests.web.test_filing import BLANK, VISAS, filed, saying, text_of

TALKS = "relation/ru-us"
DARCHIEV = ("Alexander Darchiev", "Aleksandr Darchiev", "Darcheev")


def options_of(paper: Paper, list: str) -> dict[str, str]:
    """Return the labels of a list of suggestions, by value."""
    found = re.search(rf'<datalist id="{list}">(.*?)</datalist>', paper.page.text, re.DOTALL)
    assert found
    return dict(re.findall(r'<option value="([^"]*)" dir="auto">([^<]*)</option>', unescape(found[1])))


def naming(desk: TestClient) -> Paper:
    paper = opened(desk, BLANK).write(f"type-of-{TALKS}", "PersonNamed").press(f"add {TALKS}")
    return paper.write("title", "A person")


def test_a_speaker_is_suggested_in_every_spelling_with_the_role(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK))
    spellings = options_of(paper.press(""), "persons")
    assert {name: spellings[name] for name in DARCHIEV} == dict.fromkeys(
        DARCHIEV, "Ambassador of Russia to the United States"
    )
    for field in ("e1-asserted_by-person",):
        assert re.search(rf'id="{field}"[^>]* list="persons"', paper.page.text)


def test_a_person_on_record_is_chosen_by_any_spelling(desk: TestClient) -> None:
    paper = naming(desk)
    (offered,) = re.findall(r'<select id="e1-person".*?</select>', paper.page.text, re.DOTALL)
    labels = re.findall(r">([^<>]+)</option>", offered)
    for name in DARCHIEV:
        assert any(label.startswith(name) for label in labels)
    assert "darchiev" not in labels
    filed(paper.fill(1, person="darchiev", names="Дарчиев", role="Ambassador").send("file"))
    persons = desk.get("/v1/relations/ru-us").json()["persons"]
    assert next(p["names"] for p in persons if p["person"] == "darchiev") == [*DARCHIEV, "Дарчиев"]


def test_a_new_person_needs_only_a_name(desk: TestClient) -> None:
    filed(naming(desk).fill(1, names="Анна Ёлкина\nAnna Yolkina", role="Negotiator").send("file"))
    named = last(desk)["data"]
    assert (named["person"], named["names"]) == ("anna-elkina", ["Анна Ёлкина", "Anna Yolkina"])


def test_a_person_of_this_report_is_suggested_at_once(desk: TestClient) -> None:
    paper = naming(desk).fill(1, names="Jane Doe", role="Envoy").press("")
    assert options_of(paper, "persons")["Jane Doe"] == "Envoy"


def test_a_correction_of_a_name_shows_the_person_by_name(desk: TestClient) -> None:
    named = desk.get("/v1/events", params={"stream": TALKS, "type": "PersonNamed"}).json()["items"][0]
    paper = opened(desk, f"/correct/{named['id']}")
    assert paper.fields["e0-person"] == "darchiev"
    assert paper.page.text.count(" selected>Aleksandr Darchiev · Alexander Darchiev · Darcheev<") == 1
    assert VISAS not in text_of(paper.page)
