"""Keys that are limited to relations. If reading needs a key, such a key reads only these relations.

Deny by default: a document covers the whole record unless its row declares a relation, and a limited key cannot read
the whole record. A row declares its relation in its path (`{relation}`) or in its query (`Query.of_relation`). A
document with an id has it in itself (`Resource.says_relation`). `Responder.answer` checks the requests of the API, and
`Snapshot.read` those of pages.

Every refusal is 403, even for a document that does not exist: a 404 would reveal which ones exist.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlencode

from fastapi import Request

from service.api.auth import PUBLIC_PATHS, Access, forbidden
from service.api.parameters import Query
from service.api.problems import Problem


def refuse_beyond(access: Access, relation: str | None, instead: Iterable[str] = ()) -> None:
    """Raise Problem (403) if a limited key may not read a relation. None stands for the whole record.

    `instead`: addresses within the limit that answer the same question.
    """
    if access.may_read(relation):
        return
    if relation is not None:
        detail = f"The key {access.name} may not read {relation}: it is limited to {_limit_of(access)}."
        raise forbidden(detail, "read")
    addresses = tuple(instead)
    remedy = f"Use {' or '.join(addresses)}." if addresses else "Use a key without a limit."
    detail = (
        f"The key {access.name} is limited to {_limit_of(access)}, and this address covers the whole record. {remedy}"
    )
    raise forbidden(detail, "read", instead=addresses or None)


def refuse_address(
    access: Access, names: Mapping[str, str], query: Callable[[], Query], address: str, of_one: str | None = None
) -> None:
    """Raise Problem (403) if an address is beyond the limit of a key.

    `names` are the path parameters, `query` returns the query, and `of_one` is the path of the same resource for one
    relation.
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
    """Return the refusal of an id. It does not reveal whether another relation has a document with this id."""
    detail = f"The key {access.name} is limited to {_limit_of(access)}, and nothing there has this id. Check the id."
    return forbidden(detail, "read")


async def within_limits(request: Request) -> None:
    """Refuse routes of the framework that do not declare a relation. A dependency of every route.

    `app.state.within_limits` lists the paths of routes that check the limit themselves, or that show no documents.
    """
    access: Access = request.state.key
    if access.reads is None or request.scope["path"].startswith(PUBLIC_PATHS):
        return
    relation = request.path_params.get("relation")
    if relation is None and request.scope["route"].path in request.app.state.within_limits:
        return
    refuse_beyond(access, relation)


def _limit_of(access: Access) -> str:
    relations: Sequence[str] = access.reads or ()
    return ", ".join(relations) or "no relation"
