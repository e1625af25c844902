"""Texts from right to left: on every page each stands in an element that has its direction."""

import re
from html.parser import HTMLParser
from typing import Any

from starlette.testclient import TestClient

from service.projections.words.bidi import FIRST_STRONG_ISOLATE, POP_DIRECTIONAL_ISOLATE
from tests.web.crawling import crawl
from tests.web.pages import VOID
from tests.web.paper import opened

RTL = re.compile("[\u0590-\u08ff]")
ISOLATED = re.compile(f"{FIRST_STRONG_ISOLATE}[^{POP_DIRECTIONAL_ISOLATE}]*{POP_DIRECTIONAL_ISOLATE}")
IRRITANT, ROUND, RELATION = "irritant/il-sa/overflights", "round/il-sa/riyadh", "relation/il-sa"
SPOKEN = ("title", "aria-label", "placeholder", "alt")


class Directions(HTMLParser):
    """Collects the texts from right to left that have no direction of their own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.astray: list[str] = []
        self.seen = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        has_direction = tag == "bdi" or given.get("dir") == "auto"
        for name in SPOKEN:
            if RTL.search(ISOLATED.sub("", given.get(name, ""))):
                self.astray.append(f"{tag} {name}: {given[name]}")
        if tag == "input" and given.get("type") == "text" and RTL.search(given.get("value", "")) and not has_direction:
            self.astray.append(f"input {given.get('name')}: {given['value']}")
        if tag not in VOID:
            self.open.append((tag, has_direction))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.seen += bool(RTL.search(data))
        if RTL.search(ISOLATED.sub("", data)) and not any(has_direction for _, has_direction in self.open):
            self.astray.append(f"{' '.join(tag for tag, _ in self.open[-4:])}: {data.strip()}")


def said(type: str, asserter: str = "SA", /, *, on: str = IRRITANT, **fields: Any) -> dict[str, Any]:
    voice = "outlet" if asserter == "MEDIA" else "quote"
    return {
        "stream": on,
        "type": type,
        "occurred": "2025-04-10",
        "asserted_by": {"party": asserter, "channel": voice, "organ": "وزارة الخارجية", "person": "المتحدث"},
        "source": {"document": "readout", "paragraphs": [1], "origin": f"voice-{asserter.lower()}"},
        "summary": f"قالت الوزارة ({type})",
        "wording": "«سماء مفتوحة»",
        **fields,
    }


def in_the_round(type: str, **fields: Any) -> dict[str, Any]:
    return said(type, on=ROUND, **fields)


def in_the_talks(type: str, **fields: Any) -> dict[str, Any]:
    return said(type, on=RELATION, **fields)


INFERRED = {"occurred_basis": "inferred", "inference": "من السياق"}
REGISTERED: list[dict[str, Any]] = [
    {"stream": RELATION, "type": "RelationOpened", "parties": ["IL", "SA"], "title": "ישראל וסעודיה"},
    {"stream": "source/readout", "type": "SourceRegistered", "publisher": "وزارة", "title": "بيان"},
    *(
        {
            "stream": "source/readout",
            "type": "OriginRegistered",
            "origin": f"voice-{party.lower()}",
            "speaker": "المتحدث الرسمي",
            "party": party,
            "channel": "outlet" if party == "MEDIA" else "quote",
            "occurred": "2025-04-09",
        }
        for party in ("SA", "IL", "JOINT", "MEDIA", "OM")
    ),
    {"stream": IRRITANT, "type": "IrritantOpened", "title": "طيران فوق الأراضي", "category": "mobility"},
    {"stream": f"{IRRITANT}-two", "type": "IrritantOpened", "title": "טיסות", "category": "mobility"},
]
SAID = [
    said("ConcernRaised", **INFERRED),
    said("ConcernRaised", "OM"),
    said("ProposalTabled", kind="offer", addressee="IL", terms="فتح الأجواء", ref="offer"),
    said("ProposalTabled", "IL", kind="demand", addressee="SA", terms="פתיחת השמיים"),
    said("ProposalAnswered", "IL", proposal="offer", answer="countered"),
    said("UnderstandingReported", terms="تفاهم", wording="تفاهم كامل"),
    said("InstrumentExchanged", "JOINT", kind="agreement", title="اتفاقية", reference="رقم"),
    said("NextStepAgreed", step="open-skies", owner="SA", action="يفتح الأجواء"),
    said("NextStepAgreed", "IL", step="open-skies", owner="IL", action="פותחת את השמיים"),
    said("ImplementationReported", "IL", act="טיסה ראשונה", actor="IL"),
    said("ProgressReversed", to="raised", by="IL", reason="أغلقت الأجواء", occurred="2025-04"),
    said("ClaimContested", "IL", target=f"{IRRITANT}@2"),
    said("HoldPlaced", kind="stalled", by="SA", reason="بسبب الأزمة"),
    said("BreachAlleged", by="IL", reason="خرق"),
    said("PositionStated", stance="red_line"),
    said("ItemAdded", "MEDIA", item="gate", kind="بوابة", name="البوابة", place="الرياض"),
    said("ItemStatusChanged", item="gate", status="partly"),
    said("EvidenceAdded", "IL", target=f"{IRRITANT}@2") | {"occurred": None},
    in_the_round("RoundConvened", place="الرياض"),
    in_the_round("RoundTitled", title="جولة الرياض"),
    in_the_round("RoundVenueNamed", venue="القصر", host="SA"),
    in_the_round("DelegationHeadNamed", party="SA", person="فيصل", role="وزير"),
    in_the_round("RoundCharacterised"),
    in_the_round("RoundConcluded", qualifier="about", hours=3),
    in_the_talks("ProcessStarted"),
    in_the_talks("FormatDecided", format="محادثات", preliminary=False, reversible=True),
    in_the_talks("ScopeExcluded", subject="jerusalem"),
    in_the_talks("ObstacleNoted", obstacle="الحرب"),
    in_the_talks("AgrementGranted", person="عادل", post="سفير"),
    in_the_talks("EnvoyTookPost", person="عادل", post="سفير"),
    in_the_talks("NoCommentRecorded", organs=["الديوان"], about="الموعد"),
    in_the_talks("ConcernNoted", subject="gaza"),
    in_the_talks("EmphasisStated"),
    {"stream": RELATION, "type": "PersonNamed", "person": "faisal", "names": ["فيصل", "الأمير"], "role": "وزير"},
]


def filed(desk: TestClient, key: str, **report: Any) -> dict[str, Any]:
    headers = {"Idempotency-Key": key, "Accept": "application/json"}
    answer = desk.post("/v1/reports", json={"relation": "il-sa", **report}, headers=headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_each_text_from_right_to_left_has_its_direction_on_every_page(desk: TestClient, new_key: Any) -> None:
    desk.headers["Authorization"] = f"Bearer {new_key()}"
    events = [{name: value for name, value in event.items() if value is not None} for event in (*REGISTERED, *SAID)]
    first = filed(desk, "first", title="التقرير الأول", round=None, events=events)
    ids = {(event["stream"], event["version"]): event["id"] for event in first["events"]}
    corrected = {"type": "AssertionCorrected", "stream": IRRITANT, "reason": "خطأ", "changes": {"summary": "صحيح"}}
    filed(desk, "second", title="תיקון", round="riyadh", events=[{**corrected, "target": ids[IRRITANT, 2]}])
    retracted = {"type": "AssertionRetracted", "stream": IRRITANT, "target": ids[IRRITANT, 4], "reason": "לא נכון"}
    filed(desk, "third", title="مسح", round="riyadh", events=[retracted])
    del desk.headers["Authorization"]
    seen: dict[str, int] = {}
    astray: dict[str, list[str]] = {}

    def check(address: str, answer: Any) -> None:
        assert answer.status_code < 500, (address, answer.text)
        if answer.headers.get("content-type", "").startswith("text/html"):
            found = Directions(answer.text)
            seen[address.partition("?")[0]] = found.seen
            if found.astray:
                astray[address] = found.astray

    for start in ("/?relation=il-sa", "/relations/il-sa", "/file?round=il-sa/riyadh", f"/correct/{ids[IRRITANT, 2]}"):
        crawl(desk, start, most=60, check=check)
    for address in (
        f"/irritants/{IRRITANT.partition('/')[2]}/difference?to=position:{first['position']}",
        f"/reports/{first['id']}",
        "/rounds/il-sa/riyadh",
        "/sources/readout",
        "/sources?relation=il-sa",
        "/changes?relation=il-sa",
        "/relations/il-sa/difference",
        f"/retract/{ids[IRRITANT, 7]}",
    ):
        check(address, desk.get(address))
    assert astray == {}
    expected = ("/", "/relations/il-sa", "/rounds/il-sa/riyadh", "/sources/readout", "/changes", "/sources")
    assert all(seen[address] for address in expected), seen


def test_what_is_written_from_right_to_left_has_its_direction_in_the_form(desk: TestClient) -> None:
    paper = opened(desk, "/file?relation=ru-us").write("title", "تقرير").write("new-irritant", "الوصول إلى البنوك")
    answer = paper.send("open")
    found = Directions(answer.text)
    assert found.astray == []
    assert 'value="irritant/ru-us/lwswl-la-lbnwk"' in answer.text
