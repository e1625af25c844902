"""Two readouts become a report in a real browser: within a budget of clicks and characters, and by keyboard."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Desk, is_accessible, shot, site
from tests.conftest import Clone

ROUND: Final = "/file?round=ru-us/moscow-next"
FILED: Final = re.compile(r"/reports/[0-9a-f-]+")
READOUTS: Final = Path(__file__).parents[1] / "readouts" / "texts"
MOST_PRESSES: Final = 60
MOST_CHARACTERS: Final = 600


@dataclass
class Hand:
    """A user's hand. It counts clicks, keys that select something, and typed characters."""

    page: Page
    presses: int = 0
    characters: int = 0

    def click(self, place: Locator) -> None:
        place.click()
        self.presses += 1

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.presses += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.characters += len(text)

    def paste(self, text: str) -> None:
        """Paste what was copied elsewhere: one key."""
        self.page.keyboard.insert_text(text)
        self.presses += 1

    def read(self, party: str, text: str) -> None:
        """Say whose readout it is, paste it and read it."""
        tabs = self.page.locator(".readout-tabs button")
        before = tabs.count()
        self.click(self.page.get_by_role("group", name="Whose readout is it?").get_by_label(party, exact=True))
        self.click(self.page.get_by_label("Its text"))
        self.paste(text)
        self.click(self.page.get_by_role("button", name="Read it"))
        expect(tabs).to_have_count(before + 1)

    def point(self, paragraph: int) -> None:
        """Point at a paragraph."""
        self.click(self.page.locator(".passage-text").nth(paragraph - 1))
        self.asked(paragraph)

    def select(self, paragraph: int, words: str) -> None:
        """Drag over words of a paragraph."""
        text = self.page.locator(".passage-text").nth(paragraph - 1)
        text.scroll_into_view_if_needed()
        begin, end = text.evaluate(ENDS_OF_WORDS, words)
        mouse = self.page.mouse
        mouse.move(*begin)
        mouse.down()
        mouse.move(*end, steps=4)
        mouse.up()
        self.presses += 1
        self.asked(paragraph)

    def asked(self, paragraph: int) -> None:
        expect(self.page.get_by_role("heading", name=f"What does paragraph {paragraph} say?")).to_be_visible()
        expect(self.page.locator("#picker :focus")).to_have_count(1)

    def choose(self, type: str) -> None:
        """Choose another answer to what the paragraph says."""
        what = self.page.get_by_role("group", name="What", exact=True)
        with self.page.expect_response(lambda answer: answer.url.endswith("/file")):
            self.click(what.get_by_label(re.compile(rf"^{type}")))
        expect(what.get_by_label(re.compile(rf"^{type}"))).to_be_checked()
        expect(self.page.locator(".htmx-settling, .htmx-request")).to_have_count(0)
        expect(self.page.locator("#picker :focus")).to_have_count(1)

    def add(self, facts: int) -> None:
        """Add the fact with Enter. `facts` is their number afterwards."""
        self.press("Enter")
        expect(self.page.locator("#picker")).to_have_count(0)
        expect(self.page.locator(".card")).to_have_count(facts)


ENDS_OF_WORDS: Final = """(element, words) => {
  const node = element.firstChild, from = node.data.indexOf(words), range = document.createRange();
  range.setStart(node, from);
  range.setEnd(node, from + words.length);
  const places = [...range.getClientRects()], first = places[0], last = places[places.length - 1];
  return [[first.left + 1, first.top + first.height / 2], [last.right, last.top + last.height / 2]];
}"""


def text_of(name: str) -> str:
    return (READOUTS / name).read_text(encoding="utf-8")


def test_two_readouts_become_a_report_within_sixty_presses_and_six_hundred_characters(
    desk: Desk, by_hand: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    page = desk.window(ROUND)
    hand = Hand(page)
    hand.read("The United States", text_of("us.txt"))
    hand.point(3)
    hand.choose("Round convened")
    hand.add(3)
    hand.point(3)
    hand.choose("Round concluded")
    hand.add(4)
    hand.point(4)
    hand.type("First transfers under the notes of April")
    hand.add(5)
    hand.point(4)
    hand.choose("Next step agreed")
    hand.type("Keep a working channel for refused cases")
    hand.add(6)
    hand.select(5, "forty-eight hours")
    hand.type("Travel notice of two days for all")
    hand.add(7)
    hand.point(6)
    hand.add(8)
    hand.point(7)
    hand.add(9)
    hand.click(page.get_by_text("Paste another readout"))
    hand.read("Russia", text_of("ru.txt"))
    hand.point(3)
    hand.add(12)
    hand.point(4)
    hand.add(13)
    hand.select(5, "forty-eight hours")
    hand.type("Travel notice of two days")
    hand.add(14)
    hand.point(6)
    hand.add(15)
    hand.point(7)
    hand.type("Talks on six sites, Maryland first")
    hand.add(16)
    hand.point(7)
    hand.add(17)
    expect(page.locator("#preview")).to_contain_text("17 events, not filed yet.")
    shot(page, "readouts")
    hand.click(page.get_by_role("button", name="File", exact=True))
    page.wait_for_url(FILED)
    with capsys.disabled():
        print(f"\nTwo readouts, 13 facts: {hand.presses} presses, {hand.characters} characters")  # noqa: T201 -- a figure for the record
    assert hand.presses <= MOST_PRESSES
    assert hand.characters <= MOST_CHARACTERS
    for path in DOCUMENTS:
        assert comparable(desk.got(path)) == comparable(by_hand.got(path)), path


def reach(page: Page, selector: str) -> None:
    """Press Tab until the focus is at an element."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never comes to {selector}")


def test_a_readout_becomes_a_report_by_keyboard_alone(desk: Desk) -> None:
    page = desk.window(ROUND)
    keyboard = page.keyboard
    keyboard.press("?")
    expect(page.locator("#keys dl")).to_be_visible()
    keyboard.press("?")
    expect(page.locator("#keys dl")).to_be_hidden()
    reach(page, '[name="readout-party"]')
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="The United States")).to_be_checked()
    reach(page, "#readout-pasted")
    keyboard.insert_text(text_of("us.txt"))
    reach(page, "#read-readout")
    keyboard.press("Enter")
    expect(page.locator("#readout")).to_be_focused()
    page.evaluate(TWO_FRAMES)  # the browser focuses the first element with autofocus once more, in the next frame
    keyboard.press("r")
    for _ in range(4):
        keyboard.press("ArrowDown")
    expect(page.locator("#p1-5")).to_be_focused()
    keyboard.press("Enter")
    expect(page.locator("#e0-terms")).to_be_focused()
    keyboard.press("Escape")
    expect(page.locator("#picker")).to_have_count(0)
    expect(page.locator("#p1-5")).to_be_focused()
    keyboard.press("Enter")
    expect(page.locator("#e0-terms")).to_be_focused()
    keyboard.type("Travel notice of two days")
    keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(3)
    expect(page.locator("#p1-5")).to_be_focused()
    keyboard.press("ArrowDown")
    for _ in range(3):
        keyboard.press("ArrowUp")
    expect(page.locator("#p1-3")).to_be_focused()
    keyboard.press("Enter")
    expect(page.get_by_role("radio", name=re.compile("^Head of delegation named"))).to_be_focused()
    with page.expect_response(lambda answer: answer.url.endswith("/file")):
        keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name=re.compile("^Round concluded"))).to_be_checked()
    keyboard.press("Escape")
    expect(page.locator("#p1-3")).to_be_focused()
    expect(page.locator("#preview")).to_contain_text("3 events, not filed yet.")
    keyboard.press("f")
    keyboard.press("Enter")
    page.wait_for_url(FILED)
    assert [e["type"].split(".")[1] for e in desk.got("/v1/events?after=127")["items"]] == [
        "SourceRegistered",
        "OriginRegistered",
        "UnderstandingReported",
    ]


def test_a_step_can_be_undone_and_a_draft_keeps_its_readouts(desk: Desk) -> None:
    page = desk.window(ROUND)
    page.get_by_role("radio", name="The United States").check()
    page.locator("#readout-file").set_input_files(READOUTS / "us.txt")
    expect(page.locator(".passage")).to_have_count(7)
    expect(page.get_by_role("button", name="Undo the last step")).to_be_visible()
    hand = Hand(page)
    hand.point(6)
    page.keyboard.press("Enter")
    card = page.locator(".card", has_text="Proposal answered")
    expect(card).to_have_count(1)
    card.get_by_role("button", name="Remove").click()
    expect(card).to_have_count(0)
    page.get_by_role("button", name="Undo the last step").click()
    expect(card).to_have_count(1)
    page.wait_for_timeout(400)  # a draft is saved shortly after the last change
    page.reload()
    expect(page.locator("#kept")).to_contain_text("This is your draft of")
    expect(page.locator(".passage")).to_have_count(7)
    expect(card).to_have_count(1)
    card.locator('[name$="-source-paragraphs"]').evaluate("field => field.value = '99'")
    page.locator("#title").fill("Readouts of Moscow and Washington")
    expect(card.locator(".mistake")).to_contain_text("Paragraph 99 does not exist")


def test_every_step_of_a_draft_survives_a_reload(desk: Desk) -> None:
    page = desk.window(ROUND)
    hand = Hand(page)
    hand.read("The United States", text_of("us.txt"))
    page.reload()
    expect(page.locator(".passage")).to_have_count(7)
    expect(page.locator(".card")).to_have_count(2)
    hand.point(6)
    hand.add(3)
    page.reload()
    expect(page.locator(".card")).to_have_count(3)
    page.locator(".card", has_text="Proposal answered").get_by_role("button", name="Remove").click()
    expect(page.locator(".card")).to_have_count(2)
    page.reload()
    expect(page.locator(".passage")).to_have_count(7)
    expect(page.locator(".card")).to_have_count(2)


def test_a_dropped_file_is_read(desk: Desk) -> None:
    page = desk.window(ROUND)
    page.evaluate(DROP, text_of("ru.txt"))
    expect(page.locator(".passage")).to_have_count(8)


TWO_FRAMES: Final = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
DROP: Final = """text => {
  const data = new DataTransfer();
  data.items.add(new File([text], "ru.txt", { type: "text/plain" }));
  const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  document.querySelector("#report").dispatchEvent(drop);
}"""


@pytest.mark.parametrize("name", ["readout", "readout-asked", "readout-asked-narrow"])
def test_the_readout_the_question_and_the_cards_are_accessible(desk: Desk, name: str) -> None:
    page = desk.window(ROUND)
    Hand(page).read("The United States", text_of("us.txt"))
    hand = Hand(page)
    hand.point(6)
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(3)
    if name != "readout":
        hand.point(7)
        page.keyboard.press("?")
    is_accessible(page, name)


# The same facts, filed by hand over HTTP.

US_DOCUMENT: Final = "state-department-2025-07-14"
RU_DOCUMENT: Final = "ministry-of-foreign-affairs-2025-07-15"
MEETING: Final = {
    "occurred": "2025-07-14",
    "occurred_basis": "inferred",
    "inference": "It is reported of the meeting of 14 July 2025.",
}


def said(party: str, document: str, paragraph: int) -> dict[str, Any]:
    source = {"document": document, "paragraphs": [paragraph], "origin": f"{document}-statement"}
    return {"asserted_by": {"party": party, "channel": "quote"}, "source": source}


def us(paragraph: int) -> dict[str, Any]:
    return said("US", US_DOCUMENT, paragraph)


def ru(paragraph: int) -> dict[str, Any]:
    return said("RU", RU_DOCUMENT, paragraph)


def document(slug: str, file: str, title: str, publisher: str, paragraphs: int) -> dict[str, Any]:
    return {
        "stream": f"source/{slug}",
        "type": "SourceRegistered",
        "publisher": publisher,
        "title": title,
        "sha256": sha256(text_of(file).encode()).hexdigest(),
        "paragraphs": paragraphs,
        "published": slug[-10:],
        "language": "en",
    }


def statement(slug: str, publisher: str, party: str) -> dict[str, Any]:
    origin = {"origin": f"{slug}-statement", "speaker": publisher, "party": party, "channel": "quote"}
    return {"stream": f"source/{slug}", "type": "OriginRegistered", **origin}


def by_hand_report() -> dict[str, Any]:
    by_document = {"occurred": "[..2025-07-14]", "occurred_basis": "inferred"}
    events: list[dict[str, Any]] = [
        document(US_DOCUMENT, "us.txt", "Readout of the third round of consultations in Moscow", "State Department", 7),
        document(RU_DOCUMENT, "ru.txt", "On the consultations in Moscow", "Ministry of Foreign Affairs", 8),
        statement(US_DOCUMENT, "State Department", "US"),
        statement(RU_DOCUMENT, "Ministry of Foreign Affairs", "RU"),
        {
            "stream": "round/ru-us/moscow-next",
            "type": "RoundConvened",
            "place": "Moscow",
            **us(3),
            "occurred": "2025-07-14",
            "occurred_basis": "inferred",
            "inference": "The text says “Monday”. It is counted back from the date of the document, 14 July 2025.",
            "summary": "According to the United States, the delegations met in Moscow.",
        },
        {
            "stream": "round/ru-us/moscow-next",
            "type": "RoundConcluded",
            "hours": 7,
            "qualifier": "about",
            **us(3),
            "occurred": "2025-07-14",
            "occurred_basis": "inferred",
            "inference": "The text says “Monday”. It is counted back from the date of the document, 14 July 2025.",
            "summary": "According to the United States, the talks took about 7 hours.",
        },
        {
            "stream": "round/ru-us/moscow-next",
            "type": "RoundConvened",
            "place": "Moscow",
            **ru(3),
            "occurred": "2025-07-14",
            "summary": "According to Russia, the delegations met in Moscow.",
        },
        {
            "stream": "irritant/ru-us/banking-access",
            "type": "ImplementationReported",
            "act": "First transfers under the notes of April",
            "actor": "both",
            **us(4),
            **by_document,
            "inference": "Reported in the document of 14 July 2025.",
            "summary": "According to the United States, this was done: First transfers under the notes of April.",
        },
        {
            "stream": "irritant/ru-us/banking-access",
            "type": "NextStepAgreed",
            "step": "keep-a-working-channel-for-refused-cases",
            "owner": "both",
            "action": "Keep a working channel for refused cases",
            **us(4),
            **MEETING,
            "summary": "According to the United States, the next step is: Keep a working channel for refused cases.",
        },
        {
            "stream": "irritant/ru-us/banking-access",
            "type": "ResolutionDeclared",
            **ru(4),
            **MEETING,
            "summary": "According to Russia, this is settled: Banking access of the missions.",
        },
        {
            "stream": "irritant/ru-us/diplomat-movement",
            "type": "UnderstandingReported",
            "terms": "Travel notice of two days for all",
            **us(5),
            **MEETING,
            "summary": "According to the United States, both sides agree: Travel notice of two days for all.",
            "wording": "forty-eight hours",
        },
        {
            "stream": "irritant/ru-us/diplomat-movement",
            "type": "UnderstandingReported",
            "terms": "Travel notice of two days",
            **ru(5),
            **MEETING,
            "summary": "According to Russia, both sides agree: Travel notice of two days.",
            "wording": "forty-eight hours",
        },
        {
            "stream": "irritant/ru-us/direct-flights",
            "type": "ProposalAnswered",
            "proposal": "irritant/ru-us/direct-flights@2",
            "answer": "rejected",
            **us(6),
            **MEETING,
            "summary": "According to the United States, the answer to the proposal is: rejected.",
        },
        {
            "stream": "irritant/ru-us/property-return",
            "type": "ProposalTabled",
            "kind": "request",
            "addressee": "US",
            "terms": "Talks on six sites, Maryland first",
            "due": "2025-09",
            **ru(7),
            **MEETING,
            "summary": "According to Russia, it was proposed: Talks on six sites, Maryland first.",
        },
        {
            "stream": "irritant/ru-us/property-return",
            "type": "DiscussionReported",
            "form": "talks",
            **ru(7),
            **MEETING,
            "summary": "According to Russia, both sides discuss this: "
            "Russian diplomatic property in the United States.",
        },
        {
            "stream": "irritant/ru-us/visas",
            "type": "InstrumentExchanged",
            "kind": "exchange_of_notes",
            **ru(6),
            **MEETING,
            "summary": "According to Russia, it was put in writing: exchange of notes.",
        },
        {
            "stream": "round/ru-us/washington-in-the-autumn",
            "type": "RoundAnnounced",
            "place": "Washington",
            "timing": "in the autumn",
            "preliminary": True,
            **us(7),
            "occurred": "2025-07-14",
            "occurred_basis": "inferred",
            "inference": "The document is of 14 July 2025.",
            "summary": "According to the United States, there is to be a round in Washington in the autumn.",
        },
    ]
    return {"relation": "ru-us", "round": "moscow-next", "title": "Readouts of Moscow, next", "events": events}


@pytest.fixture
def by_hand(profile: BrowserContext, clone: Clone, seeded_template: str) -> Iterator[Desk]:
    """A desk at another seeded record, where the same facts were filed over HTTP."""
    with clone(seeded_template) as url, site(url) as found:
        headers = {"Authorization": f"Bearer {found.key}", "Idempotency-Key": "by-hand-1"}
        answer = profile.request.post(f"{found.url}/v1/reports", data=by_hand_report(), headers=headers)
        assert answer.status == 201, answer.text()
        yield Desk(profile, found, [])


IRRITANTS: Final = ("banking-access", "diplomat-movement", "direct-flights", "property-return", "visas")
DOCUMENTS: Final = (
    "/v1/relations/ru-us/board",
    "/v1/relations/ru-us",
    *(f"/v1/irritants/ru-us/{slug}" for slug in IRRITANTS),
    *(f"/v1/irritants/ru-us/{slug}/dossier" for slug in IRRITANTS),
    "/v1/rounds/ru-us/moscow-next",
    "/v1/rounds/ru-us/moscow-next/sheet",
    "/v1/rounds/ru-us/washington-in-the-autumn",
    f"/v1/sources/{US_DOCUMENT}",
    f"/v1/sources/{RU_DOCUMENT}",
)
_IDS: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENTS: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)")


def comparable(found: Any) -> str:
    """Return a document without ids and moments of recording, which differ in each record."""
    written = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True)
    numbers: dict[str, int] = {}
    named = _IDS.sub(lambda same: f"id-{numbers.setdefault(same[0], len(numbers))}", written)
    return _MOMENTS.sub("moment", named)
