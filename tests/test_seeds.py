"""The seeds say exactly what the five documents say."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from service import reportfile, seeding
from service.domain import report
from service.domain.assertion import Assertion, Recorded, Statement
from service.domain.filing import Envelope, Record, decide
from service.domain.history import History
from service.domain.irritant import events as irritant
from service.domain.round import events as rounds
from service.domain.source.events import OriginRegistered, SourceRegistered
from service.projections.document import rendered
from service.projections.irritant import IrritantDocument
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.projections.stored import STORED
from service.recorder import Receipt, Recorder
from service.store import read_models
from service.store.engine import connection, open_engine

ROOT: Final = Path(__file__).parents[1]
FILES: Final = sorted((ROOT / "seeds").glob("*.yaml"))
ARTICLES: Final = os.environ.get("ARTICLES")
with_articles = pytest.mark.skipif(ARTICLES is None, reason="ARTICLES does not name the folder of the documents")


class Filed(NamedTuple):
    """The seeds filed in order: all streams, all events, and the first position of each file."""

    histories: Mapping[str, History[Any]]
    events: tuple[Recorded, ...]
    begins: Mapping[str, int]

    def document(self, stream: str, as_of: int | None = None) -> Any:
        history = self.histories[stream]
        seen = history if as_of is None else history.as_of(as_of)
        return STORED[stream.partition("/")[0]].view(seen.reading())  # type: ignore[index]

    def tellings(self) -> Iterator[tuple[Recorded, Statement]]:
        return ((event, event.data) for event in self.events if isinstance(event.data, Statement))


@pytest.fixture(scope="module")
def filed() -> Filed:
    histories: dict[str, History[Any]] = {}
    events: list[Recorded] = []
    begins: dict[str, int] = {}
    ids = map(str, count(1))
    for path in FILES:
        origins = {e.data.origin: e.stream for e in events if isinstance(e.data, OriginRegistered)}
        begins[path.stem] = len(events) + 1
        envelope = Envelope(path.stem, "seeds", "", datetime(2026, 1, 1, tzinfo=UTC), len(events), lambda: next(ids))
        decision = decide(report.read(reportfile.read(path.read_bytes()).body), Record(histories, origins), envelope)
        histories |= decision.histories
        events += decision.recorded
    return Filed(histories, tuple(events), begins)


def test_every_event_of_every_file_is_recorded(filed: Filed) -> None:
    written = [event for path in FILES for event in report.read(reportfile.read(path.read_bytes()).body).events]
    assert [(event.stream, event.type) for event in written] == [(event.stream, event.type) for event in filed.events]


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        (
            "banking-access",
            ("formalised", "one_side", 1, "understanding", "formalised", "formalised", "understanding", "both"),
        ),
        ("visas", ("understanding", "one_side", 1, "unstated", "understanding", "unstated", "understanding", "both")),
        (
            "diplomat-movement",
            ("understanding", "one_side", 1, "raised", "understanding", "raised", "understanding", "both"),
        ),
        ("property-return", ("proposed", "one_side", 1, "unstated", "in_talks", "unstated", "proposed", "US")),
        ("direct-flights", ("proposed", "attributed", 1, "unstated", "proposed", "unstated", "proposed", "US")),
    ],
)
def test_each_irritant_has_the_state_that_the_documents_report(
    filed: Filed, id: str, expected: tuple[object, ...]
) -> None:
    it: IrritantDocument = filed.document(f"irritant/ru-us/{id}")
    rungs = it.parties["US"].rung, it.parties["RU"].rung
    assert (it.status, it.basis, it.origins, it.confirmed_status, it.reported_status, *rungs, it.awaiting) == expected
    assert (it.lifecycle, it.hold, it.regressions, it.reversible) == ("open", "none", 0, "unknown")


def test_none_of_the_six_properties_is_returned(filed: Filed) -> None:
    for stream, items in (("property-return", (0, 6)), ("direct-flights", (0, 0))):
        it: IrritantDocument = filed.document(f"irritant/ru-us/{stream}")
        assert (it.items.settled, it.items.total) == items


def test_each_side_has_its_own_wording_for_the_banking_notes(filed: Filed) -> None:
    it: IrritantDocument = filed.document("irritant/ru-us/banking-access")
    assert (it.parties["US"].wording, it.parties["RU"].wording) == ("understanding", "committed")


def test_two_rounds_are_concluded_and_one_is_announced_without_a_date(filed: Filed) -> None:
    seen: list[RoundDocument] = [filed.document(s) for s in filed.histories if s.startswith("round/")]
    assert [(r.slug, r.phase, r.place, r.host, r.date) for r in seen] == [
        ("istanbul-february", "concluded", "Istanbul", "US", "2025-02-27"),
        ("istanbul-april", "concluded", "Istanbul", "RU", "2025-04-10"),
        ("moscow-next", "announced", "Moscow", None, None),
    ]
    assert [r.duration and (r.duration.hours, r.duration.qualifier) for r in seen] == [
        (6, "exact"),
        (5, "at_least"),
        None,
    ]
    assert (seen[2].timing, seen[2].preliminary) == ("soon", True)
    for met in seen[:2]:
        heads = {party: {h.person for h in named} for party, named in met.heads.items()}
        assert heads == {"US": {"Sonata Coulter"}, "RU": {"Alexander Darchiev"}}


def test_the_next_round_in_moscow_has_one_origin_in_several_documents(filed: Filed) -> None:
    told = [data.source for event, data in filed.tellings() if event.stream == "round/ru-us/moscow-next"]
    assert {source.origin for source in told} == {"darchiev-interview"}
    assert len({source.document for source in told}) == 3
    announced: RoundDocument = filed.document("round/ru-us/moscow-next")
    assert (announced.said_by, announced.origins) == (("RU",), 1)


def test_the_state_of_the_relation(filed: Filed) -> None:
    talks: RelationDocument = filed.document("relation/ru-us")
    assert [s.subject for s in talks.scope_exclusions] == ["ukraine", "general-normalisation"]
    assert {s.subject for s in talks.concerns} == {"credentials", "intimidation"}
    decided = talks.format
    assert decided is not None
    assert (decided.format, decided.preliminary, decided.reversible, decided.reversed) == (
        "capitals",
        True,
        True,
        False,
    )
    assert (decided.backing.said_by, decided.confirmed_by, decided.silent) == (("RU",), (), ("US",))
    (envoy,) = talks.envoys
    assert (envoy.person, len(envoy.agrements), len(envoy.posts)) == ("darchiev", 1, 1)
    assert [s.organs for s in talks.silences] == [("White House", "Kremlin")]
    assert {p.person for p in talks.persons} == {"darchiev", "coulter", "bruce", "rubio", "lavrov", "putin"}


def test_before_the_interview_there_is_no_third_round_and_only_media_report_on_property(filed: Filed) -> None:
    before = filed.begins["08-interview"] - 1
    assert not filed.histories["round/ru-us/moscow-next"].as_of(before).events
    it: IrritantDocument = filed.document("irritant/ru-us/property-return", before)
    assert (it.status, it.reported_status, it.basis, it.origins) == ("unstated", "in_talks", "media_only", 2)
    talks: RelationDocument = filed.document("relation/ru-us", before)
    assert (talks.format, talks.obstacles, talks.silences) == (None, (), ())


def test_no_act_resolution_reversal_or_answer_is_recorded(filed: Filed) -> None:
    never = (
        irritant.ImplementationReported
        | irritant.ResolutionDeclared
        | irritant.ProgressReversed
        | irritant.ProposalAnswered
        | irritant.NextStepClosed
        | irritant.ItemStatusChanged
        | rounds.RoundScheduled
    )
    assert not [event for event in filed.events if isinstance(event.data, never)]
    assert not [event for event in filed.events if isinstance(event.data, irritant.NextStepAgreed) and event.data.due]


def test_washington_is_silent_where_the_documents_do_not_quote_it(filed: Filed) -> None:
    said = {(e.stream, e.type) for e, data in filed.tellings() if data.asserted_by.party in {"US", "JOINT"}}
    assert {(stream, type) for stream, type in said if stream.startswith("irritant/")} == {
        ("irritant/ru-us/banking-access", "InstrumentExchanged"),
        ("irritant/ru-us/diplomat-movement", "ConcernRaised"),
    }
    assert not {type for _, type in said} & {"FormatDecided", "AgrementGranted", "RoundAnnounced", "RoundConvened"}


def test_the_instrument_is_an_exchange_of_notes_although_a_newspaper_calls_it_otherwise(filed: Filed) -> None:
    told = [event.data for event in filed.events if isinstance(event.data, irritant.InstrumentExchanged)]
    assert {(told.kind, told.occurred) for told in told} == {("exchange_of_notes", "[2025-04-10..]")}


def test_every_date_is_inferred_because_no_document_states_a_year(filed: Filed) -> None:
    assertions = [event.data for event in filed.events if isinstance(event.data, Assertion)]
    assert {assertion.occurred_basis for assertion in assertions} == {"inferred"}
    assert not [event for event in filed.events if isinstance(event.data, SourceRegistered) and event.data.published]


def test_every_registered_origin_is_cited(filed: Filed) -> None:
    registered = {event.data.origin for event in filed.events if isinstance(event.data, OriginRegistered)}
    assert registered == {data.source.origin for _, data in filed.tellings()}
    assert len(registered) == 18


def test_seeds_filed_through_the_recorder_read_the_same_and_filing_again_changes_nothing(
    filed: Filed, database_url: str
) -> None:
    engine = open_engine(database_url)
    assert seeding.seed(engine) == len(FILES)
    assert seeding.seed(engine) == 0
    again = Recorder(engine).record([seed.request for seed in seeding.read()])
    receipts = [outcome for outcome in again if isinstance(outcome, Receipt)]
    assert [receipt.replayed for receipt in receipts] == [True] * len(FILES)
    assert [event.position for receipt in receipts for event in receipt.events] == [e.position for e in filed.events]
    with connection(engine) as c:
        for stream in filed.histories:
            if projection := STORED.get(stream.partition("/")[0]):  # type: ignore[call-overload]
                stored = read_models.get(c, projection.name, projection.representation, stream.partition("/")[2])
                assert stored
                assert unmarked(stored.body.decode()) == unmarked(rendered(filed.document(stream)).decode())
    engine.dispose()


def unmarked(document: str) -> str:
    """Return the JSON without ids and times, which differ for each filing."""
    return re.sub(r'"(event|recorded_at)":"[^"]*"', r'"\1":""', document)


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def documents(filed: Filed) -> dict[str, list[str]]:
    """Return the paragraphs of each registered document, found by its hash."""
    assert ARTICLES
    by_hash = {sha256(path.read_bytes()).hexdigest(): path for path in Path(ARTICLES).iterdir()}
    registered = {e.stream.partition("/")[2]: e.data for e in filed.events if isinstance(e.data, SourceRegistered)}
    return {
        slug: [line for line in by_hash[source.sha256 or ""].read_text(encoding="utf-8").splitlines() if line.strip()]
        for slug, source in registered.items()
    }


@with_articles
def test_every_document_has_the_hash_and_the_paragraphs_registered_for_it(filed: Filed) -> None:
    counted = {slug: len(paragraphs) for slug, paragraphs in documents(filed).items()}
    assert len(counted) == 5
    for event in filed.events:
        if isinstance(event.data, SourceRegistered):
            assert event.data.paragraphs == counted[event.stream.partition("/")[2]]


@with_articles
def test_every_wording_is_in_the_cited_paragraphs(filed: Filed) -> None:
    texts = documents(filed)
    for event, data in filed.tellings():
        cited = " ".join(" ".join(words(texts[data.source.document][n - 1])) for n in data.source.paragraphs)
        wording = getattr(data, "wording", None) or ""
        assert " ".join(words(wording)) in cited, f"{event.stream}@{event.version}: {wording}"


@with_articles
def test_no_sentence_of_the_documents_is_in_the_project(filed: Filed) -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        said = words(text)
        return {tuple(said[i : i + 8]) for i in range(len(said) - 7)}

    theirs = {run for paragraphs in documents(filed).values() for text in paragraphs for run in runs(text)}
    assert theirs
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, tracked.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file():
            assert not runs(path.read_text(errors="replace", encoding="utf-8")) & theirs, name
