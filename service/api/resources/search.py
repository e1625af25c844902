"""Search in irritants, statements, persons, organisations, documents and rounds, by words in any script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from service.api.parameters import Day, Limit, RelationId, misplaced, valid
from service.api.resources import FoundDocument, PathParameters, Resource, Snapshot
from service.api.resources.feeds import event_type
from service.api.resources.listing import Items, Listing, Paged, cursor
from service.domain.actors import JOINT, MEDIA, is_actor
from service.domain.countries import ALPHA_2
from service.domain.ladder import Rung
from service.follower import RECORD
from service.projections import hit, irritant
from service.projections.hit import HitDocument
from service.projections.words.tokens import words_sought
from service.store import search
from service.store.codec import canonical
from service.store.read_models import Document as StoredDocument
from service.store.search import Sought, StatusFilter

REPRESENTATION: Final = 3
_MOST_WORDS: Final = 20
_SHORTEST_MISSPELT: Final = 4
"""Shorter words are near to too many others."""


def _query(text: str) -> str:
    words = list(words_sought(text))
    if not words:
        raise PydanticCustomError("q", "has no word; write at least one letter or digit")
    if len(words) > _MOST_WORDS:
        raise PydanticCustomError("q", f"has more than {_MOST_WORDS} words; leave out the common ones")
    return text


def _is_voice(text: str) -> bool:
    """Return whether this is a possible value of `party`."""
    return text in ALPHA_2 or text in (JOINT, MEDIA) or is_actor(text)


class SearchQuery(Paged):
    """What is sought, and the filters of the hits."""

    q: Annotated[
        str,
        Field(
            max_length=200,
            description="the words that a hit must have, each in full or its beginning, in any order and script",
        ),
        BeforeValidator(_query),
    ]
    limit: Limit = 20
    relation: RelationId | None = None
    party: Annotated[
        str | None,
        valid(_is_voice, "must be the code of a country, such as US, the slug of an organisation, JOINT or MEDIA"),
        Field(description="only what this side, organisation, JOINT or MEDIA says"),
    ] = None
    type: Annotated[str | None, Field(description="only events of this type"), BeforeValidator(event_type)] = None
    status: Annotated[Rung | None, Field(description="only hits of irritants with this claimed status now")] = None
    from_: Annotated[
        Day | None, Field(alias="from", description="only what possibly happened on this day or later")
    ] = None
    to: Annotated[Day | None, Field(description="only what possibly happened on this day or earlier")] = None

    @property
    def facets(self) -> dict[str, str]:
        return {name: value for name, value in (("party", self.party), ("type", self.type)) if value is not None}

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise misplaced("to", "is before from; use the same or a later day")
        return self


class SearchPage(Listing[HitDocument]):
    """One page of hits: first those on names and titles, then the newest.

    `instead`: words without a hit, each with the words that were sought instead. Empty if the words were found as
    written.
    """

    instead: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Hits(Items[HitDocument]):
    """One page of hits, with items in JSON. `instead` is as in `SearchPage`."""

    instead: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def json(self) -> bytes:
        # The page without its closing brace, then `instead` without its opening brace.
        return b"%b,%b" % (super().json[:-1], canonical({"instead": self.instead}).encode()[1:])


def _search(snapshot: Snapshot, _names: PathParameters, query: SearchQuery) -> FoundDocument[Hits]:
    """Find irritants, statements, persons, organisations, documents and rounds by words.

    Hits show the record as it is now, after corrections and without what was retracted. If the words occur nowhere, the
    nearest words on record are sought, also in another script. With `relation`, sources and actors are left out,
    because they belong to no relation.
    """
    # At first each group has one word. Near words of names are added as alternatives.
    words: Sought = [[word] for word in words_sought(query.q)]
    instead: dict[str, list[str]] = {}
    found = _hits(snapshot, query, words)
    # A later page can be empty although the words occur, so look at the first page too.
    if not found and not (query.cursor and _hits(snapshot, query.model_copy(update={"cursor": None}), words)):
        instead = _near(snapshot, query, [word for group in words for word, _ in group])
        if instead:
            near = [[*group, *((word, False) for word in instead.get(group[0][0], ()))] for group in words]
            found = _hits(snapshot, query, near)
    next_cursor = cursor(found[query.limit - 1].key) if len(found) > query.limit else None
    position = snapshot.head.position
    bodies = [document.body for document in found[: query.limit]]
    return FoundDocument(Hits(bodies, next_cursor, position, HitDocument, instead), position, REPRESENTATION)


def _hits(snapshot: Snapshot, query: SearchQuery, sought: Sought) -> list[StoredDocument]:
    """Return the hits of one page, and one more if another page follows."""
    return search.find(
        snapshot.c,
        hit.NAME,
        hit.REPRESENTATION,
        sought,
        newest=snapshot.head.position,
        limit=query.limit + 1,
        before=query.after,
        relation=query.relation,
        facets=query.facets,
        status=query.status and StatusFilter(irritant.NAME, irritant.REPRESENTATION, query.status),
        first=query.from_,
        last=query.to,
    )


def _near(snapshot: Snapshot, query: SearchQuery, sought: Sequence[str]) -> dict[str, list[str]]:
    """Return, for each sought word, the nearest words on record: they differ from it by one or two typing errors.

    Words without such a word, short words and words on record are left out.
    """
    unfiltered = {**dict.fromkeys(("party", "type", "status", "from_", "to", "cursor")), "limit": 1}
    anywhere = query.model_copy(update=unfiltered)
    unknown = [
        word for word in sought if len(word) >= _SHORTEST_MISSPELT and not _hits(snapshot, anywhere, [[(word, True)]])
    ]
    if not unknown:
        return {}
    return snapshot.vocabulary.near(snapshot.c, unknown, snapshot.head.position, query.relation)


SEARCH: Final = Resource(
    "/v1/search", SearchQuery, _search, topics=lambda *_: (RECORD,), shape=SearchPage, needs_one_transaction=True
)
RESOURCES: Final = (SEARCH,)
