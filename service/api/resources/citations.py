"""Citations: where a statement was published, and where this record has it."""

from typing import Final

from service.api.etags import JSON
from service.api.parameters import AsOfQuery
from service.api.resources import FoundDocument, PathParameters, Presentation, Resource, Snapshot, as_json
from service.domain.assertion import Statement
from service.domain.source.state import Source
from service.domain.streams import parse_stream
from service.follower import RECORD
from service.follower.as_of import histories
from service.projections import citation
from service.projections.citation import CitationDocument
from service.store import events

TEXT: Final = "text/plain; charset=utf-8"


def _citation(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[CitationDocument]:
    """Read the citation of one statement: who says it, where it was published, and its place on the record.

    It is the statement as it reads after corrections, and says if it was retracted. With a point in time, the link
    leads there. `Accept: text/plain` gives it in one line.
    """
    point, id = snapshot.point_in_log(query), names["id"]
    recorded = events.by_ids(snapshot.c, [id]).get(id)
    if recorded is None or recorded.position > point.position:
        snapshot.raise_not_found()
    known = histories(snapshot.c, [recorded.stream], point.position)[recorded.stream]
    event = known.recorded(id)
    assert event is not None  # its history was read up to a position after it
    data = known.amendments.content_of(event)
    stream = f"source/{data.source.document}" if isinstance(data, Statement) else ""
    source = histories(snapshot.c, [stream], point.position).get(stream)
    past = f"?as_of_position={point.position}" if point.position < snapshot.head.position else ""
    document = citation.view(
        event,
        data,
        point.reading(source).state if source else Source(),
        retracted=id in known.amendments.retracted,
        link=f"{snapshot.prefix}/events/{id}{past}",
        checkpoint=point.position,
        chain_hash=snapshot.chain_hash(point.position).hex(),
        names=point.names,
    )
    name = parse_stream(recorded.stream)
    return FoundDocument(document, point.position, citation.REPRESENTATION, relation=name.relation if name else None)


def _text(document: CitationDocument, _: Presentation) -> bytes:
    return f"{document.text}\n".encode()


CITATION: Final = Resource(
    "/v1/events/{id}/citation",
    AsOfQuery,
    _citation,
    # The checkpoint is the last position of the record.
    topics=lambda *_: (RECORD,),
    shape=CitationDocument,
    bodies={JSON: as_json, TEXT: _text},
    needs_one_transaction=True,
    relation_is_in_document=True,
)
RESOURCES: Final = (CITATION,)
