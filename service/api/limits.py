"""Keys that are limited to relations: where reading needs a key, they read only what is of these relations.

Deny by default: a document is of the whole record unless its row declares a relation, and the whole record is refused
to a limited key. A row declares its relation in its path (`{relation}`) or in its query (`Query.of_relation`); what
is addressed by an id says it in the document (`Resource.says_relation`). `Snapshot.read`, by which pages come to
documents, and `Responder.answer` ask here.

Every refusal is 403, also where nothing is on record: 404 would tell that something else exists.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlencode

from fastapi import Request

from service.api.auth import FOR_ANYBODY, Access, forbidden
from service.api.parameters import Query
from service.api.problems import Problem


def refuse_beyond(access: Access, relation: str | None, instead: Iterable[str] = ()) -> None:
    """Raise Problem (403) where a limited key asks for another relation, or (None) for the whole record.

    `instead`: addresses within the limit that answer the same question.
    """
    if access.may_read(relation):
        return
    if relation is not None:
        detail = f"The key {access.name} may not read {relation}: it is limited to {_limit(access)}."
        raise forbidden(detail, "read")
    addresses = tuple(instead)
    way = f"Ask {' or '.join(addresses)}." if addresses else "Use a key without a limit."
    detail = f"The key {access.name} is limited to {_limit(access)}, and this address is of the whole record. {way}"
    raise forbidden(detail, "read", instead=addresses or None)


def refuse_address(
    access: Access, names: Mapping[str, str], query: Callable[[], Query], address: str, of_one: str | None = None
) -> None:
    """Raise Problem (403) where a limited key asks for an address beyond its limit.

    `names` are those in the path; `query` gives the parameters; `of_one` is the path of the same for one relation.
    """
    if access.reads is None:
        return
    if (relation := names.get("relation")) is not None:
        refuse_beyond(access, relation)
        return
    asked = query()
    refuse_beyond(access, asked.of_relation, _instead(access.reads, asked, address, of_one))


def _instead(relations: Iterable[str], query: Query, address: str, of_one: str | None) -> Iterator[str]:
    for relation in relations:
        if "relation" in type(query).model_fields:
            given = query.model_dump(mode="json", by_alias=True, exclude_unset=True)
            yield f"{address}?{urlencode({'relation': relation, **given})}"
        elif of_one is not None:
            yield of_one.format(relation=relation)


def not_within(access: Access) -> Problem:
    """The refusal of an id that is of another relation or of nothing: the answer must not tell which."""
    detail = f"The key {access.name} is limited to {_limit(access)}, and nothing there has this id."
    return forbidden(detail, "read")


async def within_limits(request: Request) -> None:
    """Refuse routes of the framework that do not declare a relation. A dependency of every route.

    `app.state.within_limits` lists the paths of routes that keep to the limit by themselves: they show nothing of the
    record, or ask for each document in the name of the visitor.
    """
    access: Access = request.state.key
    if access.reads is None or request.scope["path"].startswith(FOR_ANYBODY):
        return
    relation = request.path_params.get("relation")
    if relation is None and request.scope["route"].path in request.app.state.within_limits:
        return
    refuse_beyond(access, relation)


def _limit(access: Access) -> str:
    relations: Sequence[str] = access.reads or ()
    return ", ".join(relations) or "no relation"
