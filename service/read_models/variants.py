"""Build the documents that an audience sees differently, because events of their stream are withheld from it.

An audience gets the documents of a record in which these events had never been filed. A variant is stored only where
such a document differs from that of the whole record.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from service.domain.assertion import Recorded
from service.domain.history import History
from service.domain.naming import UNNAMED, Naming
from service.projections import change, hit
from service.read_models.builder import REPRESENTATIONS, appended, replayed, rows
from service.store import audience, events
from service.store.codec import canonical
from service.store.read_models import Document
from service.store.variants import Variant, remove_variants, store_variants, variants_of, withheld_streams

_Key = tuple[str, int, str]
"""The name, the representation and the key of a document."""
_NOTHING: Final[Mapping[str, Any]] = {}


def variants(stream: str, log: Sequence[Recorded], ranks: Iterable[int], naming: Naming = UNNAMED) -> Iterator[Variant]:
    """Yield the variants of all documents of a stream, for the audiences of these ranks."""
    most = max((event.rank for event in log), default=0)
    below = [rank for rank in ranks if rank < most]
    whole = {key_of(document): document for document in replayed(stream, log, naming=naming)} if below else {}
    for rank in below:
        seen = [event for event in log if event.rank <= rank]
        of_audience = replayed(stream, seen, naming=naming) if seen else ()
        yield from _difference(stream, rank, whole, {key_of(document): document for document in of_audience}, ())


def variants_appended(
    before: Mapping[int, History[Any]], new: Sequence[Recorded], whole: Iterable[Document], naming: Naming = UNNAMED
) -> tuple[list[Variant], dict[int, History[Any]]]:
    """Return the variants of the documents that an append makes or changes on one stream, and the histories after it.

    `before`: for each audience from which a part of the stream is withheld, by its rank, what it saw before the append.
    `new`: the events of the append. `whole`: the documents of the whole record that it makes or changes.
    """
    documents = {key_of(document): document for document in whole}
    amended = _amended_hits(documents, new)
    # A variant of these can be stored already, so replace it even if it does not differ any more.
    stored = [*amended, *(key for key in documents if key[0] not in (hit.NAME, change.NAME))]
    found: list[Variant] = []
    after: dict[int, History[Any]] = {}
    for rank, earlier in before.items():
        seen = [event for event in new if event.rank <= rank]
        history, changes = appended(earlier, seen, naming)
        after[rank] = history
        of_audience: dict[_Key, Document] = {}
        if history.events:
            of_audience = {key_of(document): document for document in rows([history], changes, seen, naming)}
            if amended:
                # The hits of earlier events can depend on any event that the audience sees.
                every = {key_of(d): d for d in rows([history], (), history.events, naming)}
                of_audience |= {key: every[key] for key in amended if key in every}
        found += _difference(earlier.stream, rank, documents, of_audience, stored)
    return found, after


def _amended_hits(documents: Mapping[_Key, Document], appended: Iterable[Recorded]) -> list[_Key]:
    """Return the keys of hits among these documents that are of events before the append."""
    new = {event.position for event in appended}
    return [key for key, d in documents.items() if d.name == hit.NAME and int(d.key[1:]) not in new]


def _difference(
    stream: str,
    rank: int,
    whole: Mapping[_Key, Document],
    of_audience: Mapping[_Key, Document],
    stored: Collection[_Key],
) -> Iterator[Variant]:
    """Yield the documents of an audience that differ from those of the whole record, and those in `stored`."""
    for key, document in of_audience.items():
        if key not in whole or key in stored or _content(document) != _content(whole[key]):
            yield Variant(rank, stream, document)
    for key, document in whole.items():
        if key not in of_audience:
            yield Variant(rank, stream, document._replace(facets=_NOTHING, body=b""), is_hidden=True)


def key_of(document: Document) -> _Key:
    """Return what identifies a document."""
    return document.name, document.representation, document.key


def _content(document: Document) -> tuple[str, int, str, bytes]:
    return document.relation, document.position, canonical(document.facets), document.body


def repair(c: Connection, stream: str, log: Sequence[Recorded], naming: Naming = UNNAMED) -> int:
    """Make the stored variants of a stream equal to a replay of its log. Return the number of changes.

    Variants of other representations, and newer ones than the log, stay as they are.
    """
    wanted, stored = _wanted(c, stream, log, naming), _stored(c, stream, log)
    due = [variant for key, variant in wanted.items() if key not in stored or not _is_same(variant, stored[key])]
    stray = [variant for key, variant in stored.items() if key not in wanted]
    store_variants(c, due)
    remove_variants(c, stray)
    return len(due) + len(stray)


def faults(c: Connection, stream: str, log: Sequence[Recorded], naming: Naming = UNNAMED) -> list[Document]:
    """Return the documents of audiences that differ from a replay of the log."""
    wanted, stored = _wanted(c, stream, log, naming), _stored(c, stream, log)
    if not wanted and not stored:
        return []
    whole = {key_of(document): document for document in replayed(stream, log, naming=naming)}
    missing = [v for key, v in wanted.items() if key not in stored or not _is_same(v, stored[key])]
    # An append can store a variant that does not differ from the document of the whole record.
    stray = [
        variant
        for key, variant in stored.items()
        if key not in wanted
        and (
            variant.is_hidden
            or (same := whole.get(key_of(variant.document))) is None
            or _content(same) != _content(variant.document)
        )
    ]
    return [variant.document for variant in (*missing, *stray)]


def make_for_new_label(c: Connection, rank: int) -> None:
    """Store the variants for the audience of a new label. Call it with the head locked."""
    naming = Naming(events.actor_events(c))
    for stream in withheld_streams(c, rank):
        repair(c, stream, events.read_streams(c, {stream: 0})[stream], naming)


_VariantKey = tuple[int, _Key]


def _wanted(c: Connection, stream: str, log: Sequence[Recorded], naming: Naming) -> dict[_VariantKey, Variant]:
    if not any(event.rank for event in log):
        return {}
    ranks = [label.rank for label in audience.read_labels(c)]
    return {(v.rank, key_of(v.document)): v for v in variants(stream, log, ranks, naming)}


def _stored(c: Connection, stream: str, log: Sequence[Recorded]) -> dict[_VariantKey, Variant]:
    """Return the stored variants of a stream, in the representations of this release and not newer than the log."""
    last = log[-1].position if log else 0
    return {
        (v.rank, key_of(v.document)): v
        for v in variants_of(c, stream)
        if REPRESENTATIONS.get(v.document.name) == v.document.representation and v.document.position <= last
    }


def _is_same(one: Variant, other: Variant) -> bool:
    if one.is_hidden or other.is_hidden:
        return one.is_hidden == other.is_hidden
    return _content(one.document) == _content(other.document)
