"""The search, `/search`: a box for words, filters, and the hits as sentences with links."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from service.api.parameters import Query, RelationId, written
from service.api.problems import Problem
from service.api.resources import SHAPES, Snapshot
from service.api.resources.search import SEARCH, SearchQuery
from service.domain.actors import JOINT, MEDIA
from service.domain.catalogue import EVENT_TYPES, Kind
from service.domain.ladder import RUNGS
from service.projections.hit import HitDocument
from service.projections.stored import STORED
from service.projections.words.event_types import event_name
from service.projections.words.names import round_name
from service.store import read_models
from service.web.formatting import name_at_start
from service.web.limited import readable_relations, redirect_to_own_relation
from service.web.pages import PageRequest, Template, page_response

router: Final = APIRouter(include_in_schema=False)

_NOT_SEARCHED: Final = frozenset({"AssertionCorrected", "AssertionRetracted", "ReportAttributed"})
"""The types of events that the search does not find."""
_TYPES: Final = sorted((event_name(type), type) for type in EVENT_TYPES if type not in _NOT_SEARCHED)


class SearchPageQuery(Query):
    """The words to find, the filters, and the place at which the list of hits continues. All are optional."""

    q: Annotated[str | None, Field(max_length=1_000)] = None
    relation: RelationId | None = None
    party: Annotated[str | None, Field(max_length=100)] = None
    type: Annotated[str | None, Field(max_length=100)] = None
    status: Annotated[str | None, Field(max_length=100)] = None
    from_: Annotated[str | None, Field(alias="from", max_length=100)] = None
    to: Annotated[str | None, Field(max_length=100)] = None
    cursor: Annotated[str | None, Field(max_length=400)] = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ignore the fields of the form that were left empty."""
        return {name: value.strip() for name, value in parameters.items() if value.strip()}

    @property
    def filters(self) -> dict[str, str]:
        """Return the filters that are set, by the name of their parameter."""
        return self.model_dump(exclude={"q", "cursor"}, exclude_none=True, by_alias=True)


class HitLine(NamedTuple):
    """One hit with the address of its link, and the title of the irritant, round or relation that it is about."""

    hit: HitDocument
    address: str
    title: str


@router.get("/search")
async def search(request: Request) -> Response:
    return await page_response(request, SearchPageQuery, _search)


def _search(visit: PageRequest[SearchPageQuery], snapshot: Snapshot) -> Template:
    redirect_to_own_relation(visit)
    query, mistakes = visit.query, dict[str, str]()
    values: dict[str, Any] = {
        "lines": None,
        "instead": {},
        "next": None,
        "relations": readable_relations(visit, snapshot),
        "types": _TYPES,
        "rungs": RUNGS,
        "mistakes": mistakes,
    }
    values["voices"] = _voices(values["relations"])
    if query.q is not None:
        try:
            page = snapshot.read(SEARCH, written(SearchQuery, **query.model_dump(by_alias=True)))
        except Problem as problem:
            if not problem.document.errors:
                raise
            mistakes.update((mistake.parameter or "q", mistake.detail) for mistake in problem.document.errors)
        else:
            values |= {"lines": list(_lines(snapshot, page.documents)), "instead": page.instead, "next": page.next}
    return Template("search.html", values)


def _voices(relations: Iterable[Any]) -> Sequence[tuple[str, str]]:
    """Return the code and the name of each side of these relations, of both together and of the media."""
    parties = {party for relation in relations for party in relation.parties}
    sides = sorted(((party, str(name_at_start(party))) for party in parties), key=lambda side: (side[1], side[0]))
    return [*sides, *((voice, str(name_at_start(voice))) for voice in (JOINT, MEDIA))]


def _lines(snapshot: Snapshot, hits: Sequence[HitDocument]) -> Iterable[HitLine]:
    titles = {(hit.kind, hit.about): "" for hit in hits}
    for kind, about in titles:
        titles[kind, about] = _title(snapshot, kind, about)
    return (HitLine(hit, _address(hit), titles[hit.kind, hit.about]) for hit in hits)


def _title(snapshot: Snapshot, kind: Kind, about: str) -> str:
    """Return the title of an irritant, a round or a relation. A source or an actor has none besides its hit."""
    if kind not in SHAPES:
        return ""
    stored = STORED[kind]
    document = read_models.get(snapshot.c, stored.name, stored.representation, about)
    title = json.loads(document.body).get("title") if document else None
    return round_name(about, title) if kind == "round" else title or about


def _address(hit: HitDocument) -> str:
    """Return the address of the irritant, round, relation or source that the hit names, else of the event."""
    match hit.type:
        case "IrritantOpened" | "RoundTitled" | "RelationOpened":
            return f"/{hit.kind}s/{hit.about}"
        case "SourceRegistered":
            return f"/sources/{hit.about}"
        case _:
            return f"/events/{hit.event}"
