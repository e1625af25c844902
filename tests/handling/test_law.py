"""An audience gets what it would get from a record in which the events that are withheld from it had never been filed.

Each example is a record with labels, filed under the real rules, and a second record that has only the visible events.
A reader of the audience reads the first one, and the same reader reads the second one. All that may differ is removed
from both answers: positions, validators, versions of streams, withheld items of the feed, and chain hashes.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.resources.table import RESOURCES
from service.read_models.rebuild import verify_documents
from service.settings import Settings
from service.store import events, keys
from service.store.audience import Label
from service.store.engine import connection, open_engine, transaction
from service.store.verify import verify
from service.web.site import add_pages
from tests.conftest import Clone
from tests.handling.labelled import AUDIENCES, BEGAN, RANKS, Plan, file, file_only_what_is_visible, plans
from tests.keys import key_on

Headers = dict[str, str]

IRRITANTS, ROUNDS, SOURCES = ("visas", "banking"), ("istanbul",), ("paper", "cable")
NOT_COMPARED: Final = {"/v1/checkpoint", "/v1/events/live"}
"""The chain is the same for every audience, and the stream does not end. `test_canary` and `test_waiting` read it."""


@dataclass(frozen=True)
class Template:
    """The name of a database with the third label, and the keys of the readers, who may also report.

    Without a clearance, only the forms are read with a key.
    """

    name: str
    keys: Mapping[int, str]

    def headers(self, rank: int) -> Headers:
        return {"Authorization": f"Bearer {self.keys[rank]}"} if rank else {}


@pytest.fixture(scope="module")
def template(clone: Clone, migrated_template: str) -> Iterator[Template]:
    with clone(migrated_template) as url:
        engine = open_engine(url)
        with transaction(engine) as c:
            keys.add_label(c, Label("secret", 700))
        tokens = {
            rank: key_on(engine, "report", name="reader", clearance=label)
            for label, rank in RANKS.items()
            if rank in AUDIENCES
        }
        engine.dispose()
        yield Template(urlsplit(url).path[1:], tokens)


@contextmanager
def two_records(clone: Clone, template: Template) -> Iterator[tuple[tuple[str, Engine], tuple[str, Engine]]]:
    with clone(template.name) as one, clone(template.name) as two, ExitStack() as stack:
        engines = [open_engine(url) for url in (one, two)]
        for engine in engines:
            stack.callback(engine.dispose)
        yield (one, engines[0]), (two, engines[1])


def serving(url: str, signing: Path) -> TestClient:
    """Return a client of the service with its pages. Enter it."""
    app = create_app(Settings(database_url=url, checkpoint_key=signing))
    add_pages(app)
    return TestClient(app)


def addresses(ids: list[str], reports: list[str]) -> list[tuple[str, str]]:
    """Return all addresses that can be read, each with a media type. `{at}` stands for a reading of the past."""
    found: list[tuple[str, str]] = []
    for row in RESOURCES:
        for path in _filled(row.path, ids, reports):
            for media_type in row.media_types:
                queries = ["", *(f"?{query}" for query in _QUERIES.get(row.path, ()))]
                if "as_of_position" in row.query.model_fields:
                    queries += [f"{query}{'&' if query else '?'}{{at}}" for query in queries]
                found += [(f"{path}{query}", media_type) for query in queries]
    return [address for address in found if address[0].partition("?")[0] not in NOT_COMPARED]


def _filled(path: str, ids: list[str], reports: list[str]) -> list[str]:
    path = path.replace("{relation}", "ru-us")
    if "{slug}" in path:
        slugs = IRRITANTS if "irritants" in path else ROUNDS if "rounds" in path else SOURCES
        return [path.replace("{slug}", slug) for slug in slugs]
    if "{id}" in path:
        return [path.replace("{id}", id) for id in (reports if "/reports/" in path else ids)]
    return [path]


_QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "/v1/search": ("q=said", "q=banking", "q=cable", "q=bankin", "q=said&party=US", "q=court&relation=ru-us"),
    "/v1/events": ("limit=1000", "limit=1000&relation=ru-us", "limit=1000&type=ConcernRaised", "stream=relation/ru-us"),
    "/v1/changes": ("relation=ru-us", "limit=3", "since=round:ru-us/istanbul"),
    "/v1/irritants": ("relation=ru-us", "status=raised", "limit=1"),
    "/v1/reports": ("relation=ru-us", "round=ru-us/istanbul", "actor=desk", "order=newest", "limit=2"),
    "/v1/sources": ("relation=ru-us", "limit=1"),
    "/v1/relations/{relation}/board": ("on=2025-05-02", "on=2025-05-02&overdue=true", "disputed=true"),
    "/v1/relations/{relation}/difference": ("from=round:istanbul", "from=effective:2025-01-01&to=effective:2025-01-03"),
    "/v1/irritants/{relation}/{slug}/difference": ("from=round:istanbul", "from=effective:2025-01-02"),
}
PAGES: Final = (
    "/",
    "/?relation=ru-us",
    "/?relation=ru-us&{at}",
    "/changes",
    "/changes?relation=ru-us",
    "/search?q=said",
    "/search?q=bankin",
    "/reports",
    "/sources",
    "/relations/ru-us",
    "/relations/ru-us?{at}",
    "/relations/ru-us/events",
    "/relations/ru-us/difference",
    *(f"/irritants/ru-us/{slug}" for slug in IRRITANTS),
    *(f"/irritants/ru-us/{slug}?{{at}}" for slug in IRRITANTS),
    *(f"/irritants/ru-us/{slug}/difference" for slug in IRRITANTS),
    *(f"/irritants/ru-us/{slug}/download?format={format}" for slug in IRRITANTS for format in ("md", "csv", "docx")),
    *(f"/rounds/ru-us/{slug}{more}" for slug in ROUNDS for more in ("", "/events", "/download?format=csv", "?{at}")),
    *(f"/sources/{slug}{more}" for slug in SOURCES for more in ("", "/events")),
)


FORMS: Final = (
    "/file?relation=ru-us",
    "/file?round=ru-us/istanbul",
    "/file?relation=ru-us&attribute={report}",
    "/reports/{report}/correct",
    "/correct/{event}",
    "/retract/{event}",
)
"""Pages for people who are signed in and may report."""

POSITIONS: Final = {
    *("position", "next", "first_position", "last_position", "as_of_position", "changed_after", "changed"),
    *("since", "until", "from", "to", "after", "checkpoint"),
}
WITHHELD: Final = "irritants.withheld"
# The other record has the visible events without labels, so their marks differ.
REMOVED: Final = {"log", "chainhash", "streamversion", "version", "chain_hash", "etag", "handling"}
_AS_TEXT: Final = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"form-[0-9a-f]{32}", "form-KEY"),
        # The other record has no labels, so a preview there does not list audiences.
        (r"(?s)<dl class=\"audiences\">.*?</dl>\n", ""),
        # The numbers of facts in a form come from positions.
        (r"\be\d+(?=[-\".])", "eN"),
        (r"data-positions=\"[\d ]*\"", ""),
        (r"@\d+", "@N"),
        (r"(position)(s?\W{1,4}|%3A)\d+", r"\1\2N"),
        (r"\d+ events on record", "N events on record"),
        (r">[0-9a-f]{16}</code>", "></code>"),
        (r"(#|id=\"|for=\"|labelledby=\")([cpr])\d+", r"\1\2N"),
        (r" (value|min|max|data-[a-z-]+)=\"\d+\"", r" \1=N"),
        (r"SEQUENCE:\d+", "SEQUENCE:N"),
        (r"checkpoint \d+, [0-9a-f]+", "checkpoint N"),
        (r"(as_of_position|since|after|before|changed_after|after_version)=\d+", r"\1=N"),
        (r"(\bnext|cursor|log)=[^&\"'<>\s]+", r"\1=N"),
    )
)


def in_text(text: str) -> str:
    for pattern, put in _AS_TEXT:
        text = pattern.sub(put, text)
    return text


def comparable(value: Any, positions: Mapping[int, int], key: str = "") -> Any:
    """Return a JSON document without what may differ, and with the positions of the second record."""
    if isinstance(value, dict):
        return {k: comparable(v, positions, k) for k, v in value.items() if k not in REMOVED and k != "next"} | (
            {"next": positions.get(value["next"])} if isinstance(value.get("next"), int) and "log" in value else {}
        )
    if isinstance(value, list):
        seen = (v for v in value if not (isinstance(v, dict) and v.get("type") == WITHHELD))
        return [comparable(v, positions, key) for v in seen]
    if key == "first_position":
        return positions[value - 1] + 1  # that of the first visible event of a report
    if isinstance(value, int) and not isinstance(value, bool) and key in POSITIONS:
        return positions.get(value, f"no position {value}")
    return in_text(value) if isinstance(value, str) else value


def read(client: TestClient, address: str, media_type: str, headers: Headers, positions: Mapping[int, int]) -> Any:
    answer = client.get(address, headers={"Accept": media_type, **headers}, follow_redirects=False)
    told = answer.headers.get("content-type", "")
    if "json" in told:
        return answer.status_code, comparable(answer.json(), positions)
    if told.startswith("text/csv"):
        return answer.status_code, [
            {name: "" if name in POSITIONS else in_text(text or "") for name, text in line.items()}
            for line in csv.DictReader(answer.text.splitlines())
        ]
    return answer.status_code, in_text(answer.text) if told.startswith("text") or "xml" in told else told


FORM: Final = "text/html; form"


def signed_in(client: TestClient, key: str) -> Headers:
    """Return the header of a browser that is signed in with a key."""
    answer = client.post(
        "/sign-in", data={"key": key}, headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=False
    )
    client.cookies.clear()
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


@st.composite
def examples(draw: st.DrawFn) -> tuple[list[Plan], int, int]:
    return draw(plans()), draw(st.sampled_from(AUDIENCES)), draw(st.integers(0, 2**32))


SAMPLE: Final = 50
"""The number of addresses that are compared for one record. All of them would take seconds."""


@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(example=examples())
def test_an_audience_reads_a_record_without_what_is_withheld(
    clone: Clone, template: Template, tmp_path_factory: pytest.TempPathFactory, example: tuple[list[Plan], int, int]
) -> None:
    planned, rank, seed = example
    signing = tmp_path_factory.getbasetemp() / "law.key"
    with two_records(clone, template) as ((url, whole), (other_url, other)), ExitStack() as stack:
        file(whole, planned)
        positions = file_only_what_is_visible(whole, rank, other)
        same = {position: position for position in range(max(positions.values()) + 1)}
        readers = [stack.enter_context(serving(at, signing)) for at in (url, other_url)]
        sessions = [signed_in(reader, template.keys[rank]) for reader in readers]
        for address, media_type, own, theirs in chosen(whole, positions, rank, seed):
            sent = sessions if media_type == FORM else [template.headers(rank)] * 2
            found = read(readers[0], own, media_type, sent[0], positions)
            wanted = read(readers[1], theirs, media_type, sent[1], same)
            assert found == wanted, (address, media_type, rank)
        with connection(whole) as c:
            verify(c)
        verify_documents(whole)


def chosen(whole: Engine, positions: Mapping[int, int], rank: int, seed: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield some addresses, each with its media type, and as it is written for either record."""
    random = Random(seed)
    with connection(whole) as c:
        log = events.read_log(c)
    ids = [event.id for event in log]
    filed = list(dict.fromkeys(event.report for event in log))
    few = (random.sample(ids, min(4, len(ids))), random.sample(filed, min(3, len(filed))))
    forms = [form.format(event=id, report=report) for form in FORMS for id in few[0] for report in few[1]]
    every = [*addresses(*few), *((page, "text/html") for page in PAGES), *((form, FORM) for form in {*forms})]
    every.sort()
    last = max((event.position for event in log if event.rank <= rank), default=0)
    for address, media_type in random.sample(every, min(SAMPLE, len(every))):
        position, hour = random.randint(0, last), random.randint(0, len(filed) + 1)
        moment = quote((BEGAN + timedelta(hours=hour, minutes=30)).isoformat())
        at = [f"as_of_position={position}", f"known_at={moment}", "effective_on=2025-01-02"]
        theirs = [f"as_of_position={positions[position]}", *at[1:]]
        n = random.randrange(3)
        yield address, media_type, address.replace("{at}", at[n]), address.replace("{at}", theirs[n])
