"""The stored documents of an audience are those of a record in which the withheld events had never been filed."""

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given

from service.domain.assertion import HandlingChanged, Recorded
from service.domain.handling import visible
from service.domain.streams import history_of
from service.read_models.builder import appended, replayed, rows
from service.read_models.variants import key_of, variants, variants_appended
from service.store.read_models import Document
from service.store.variants import Variant
from tests.handling.labelled import AUDIENCES, labelled, relabelled
from tests.laws.histories import STREAM

Key = tuple[str, int, str]


class Stored:
    """The documents of the whole record and their variants, as the tables hold them."""

    def __init__(self) -> None:
        self.whole: dict[Key, Document] = {}
        self.variants: dict[tuple[int, Key], Variant] = {}

    def put(self, documents: Iterable[Document], variants: Iterable[Variant]) -> None:
        self.whole |= {key_of(document): document for document in documents}
        self.variants |= {(v.rank, key_of(v.document)): v for v in variants}

    def seen_by(self, rank: int) -> dict[Key, Document]:
        """Return what the view `read_models` shows to an audience."""
        shown = {key: d for key, d in self.whole.items() if (rank, key) not in self.variants}
        own = {key: v.document for (of, key), v in self.variants.items() if of == rank and not v.is_hidden}
        return shown | own


def without_what_is_withheld(log: Sequence[Recorded], rank: int) -> dict[Key, Document]:
    seen = [event for event in log if event.rank <= rank]
    return {key_of(document): document for document in (replayed(STREAM, seen) if seen else ())}


def comparable(documents: dict[Key, Document]) -> dict[Key, Any]:
    return {key: d._replace(facets=dict(d.facets)) for key, d in documents.items()}


def assert_same(found: dict[Key, Document], wanted: dict[Key, Document]) -> None:
    assert comparable(found) == comparable(wanted)


@given(labelled())
def test_documents_made_at_once_show_nothing_of_what_is_withheld(reports: list[Sequence[Recorded]]) -> None:
    log: list[Recorded] = []
    for report in reports:
        before, filed = relabelled(log, report)
        log = [*before, *filed]
    stored = Stored()
    stored.put(replayed(STREAM, log), variants(STREAM, log, AUDIENCES))
    for rank in AUDIENCES:
        assert_same(stored.seen_by(rank), without_what_is_withheld(log, rank))


@given(labelled())
def test_documents_made_report_by_report_show_nothing_of_what_is_withheld(reports: list[Sequence[Recorded]]) -> None:
    log: list[Recorded] = []
    stored = Stored()
    for report in reports:
        before, filed = relabelled(log, report)
        history, changes = appended(history_of(STREAM, log), filed)
        whole = list(rows([history], changes, filed))
        if any(isinstance(event.data, HandlingChanged) for event in filed):
            stored.variants.clear()
            stored.put(whole, variants(STREAM, [*before, *filed], AUDIENCES))
        else:
            most = max(event.rank for event in (*log, *filed))
            known = {r: history_of(STREAM, visible(history_of(STREAM, log), r)) for r in AUDIENCES if r < most}
            found, after = variants_appended(known, filed, whole)
            assert {r: [e.id for e in h.events] for r, h in after.items()} == {
                r: [e.id for e in (*log, *filed) if e.rank <= r] for r in known
            }
            stored.put(whole, found)
        log = [*before, *filed]
        for rank in AUDIENCES:
            assert_same(stored.seen_by(rank), without_what_is_withheld(log, rank))
