"""Refuse reads to keys that may read only some relations. Only services where reading needs a key have such keys.

An address shows its relation in its path (`/v1/relations/{relation}/board`) or in its query (`?relation=ru-us`). For an
event by its id, only the document shows it (`Resource.relation_is_in_document`). Any other address covers the whole
record, so a limited key may not read it. `Responder.respond` checks requests of programs, `Snapshot.read` those of
pages.

Every refusal is 403, even for a document that does not exist. A 404 would reveal which documents exist.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlencode

from fastapi import Request

from service.api.auth import PUBLIC_PATHS, Access, forbidden
from service.api.parameters import Query
from service.api.problems import Problem


def refuse_unreadable(access: Access, relation: str | None, instead: Iterable[str] = ()) -> None:
    """Raise Problem (403) if a limited key may not read a relation. None means the whole record.

    `instead`: addresses that this key may read, and that answer the same question.
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
    access: Access,
    names: Mapping[str, str],
    query: Callable[[], Query],
    address: str,
    path_for_relation: str | None = None,
) -> None:
    """Raise Problem (403) if a limited key may not read an address.

    `names` are the path parameters. `query` returns the query parameters; it is called only if they are needed.
    `path_for_relation` is the path of the same resource for one relation, which the refusal suggests.
    """
    if access.reads is None:
        return
    if (relation := names.get("relation")) is not None:
        refuse_unreadable(access, relation)
        return
    parameters = query()
    refuse_unreadable(access, parameters.of_relation, _instead(access.reads, parameters, address, path_for_relation))


def _instead(relations: Iterable[str], query: Query, address: str, path_for_relation: str | None) -> Iterator[str]:
    """Yield, for each of these relations, the address that answers the same question for it."""
    for relation in relations:
        if "relation" in type(query).model_fields:
            given = query.model_dump(mode="json", by_alias=True, exclude_unset=True)
            yield f"{address}?{urlencode({'relation': relation, **given})}"
        elif path_for_relation is not None:
            yield path_for_relation.format(relation=relation)


def unknown_id(access: Access) -> Problem:
    """Return the refusal of an unknown id. It does not reveal whether another relation has a document with this id."""
    detail = f"The key {access.name} is limited to {_limit_of(access)}. Nothing there has this id. Check the id."
    return forbidden(detail, "read")


async def check_limits(request: Request) -> None:
    """Refuse a limited key at a route without a relation in its path. Every route of FastAPI depends on this.

    `app.state.paths_that_check_limits` lists the paths of routes that check the limit themselves, or show no documents.
    """
    access: Access = request.state.key
    if access.reads is None or request.scope["path"].startswith(PUBLIC_PATHS):
        return
    relation = request.path_params.get("relation")
    if relation is None and request.scope["route"].path in request.app.state.paths_that_check_limits:
        return
    refuse_unreadable(access, relation)


def _limit_of(access: Access) -> str:
    relations: Sequence[str] = access.reads or ()
    return ", ".join(relations) or "no relation"
