"""Make and compare entity tags (ETag). No other module does.

The tag of a document has four parts, for example `"41-9f3a7c21d0-3-application/json"`:

* 41, the position of the last event that the document is computed from
* 9f3a7c21d0, part of the chain hash there. It depends on all events up to that position, so a tag of another record, or
  of events that were lost, never matches. For an audience above the open one it also depends on the audience, so a tag
  of one audience never matches in another
* 3, the representation number, which rises when the shape of the JSON changes
* the media type

The tag of a document that no event changes, such as the OpenAPI document, is a hash of its bytes. The tag of a body in
gzip ends in `-gzip`.

Proxies that compress change tags: nginx makes them weak (`W/"…"`), Apache appends `-gzip`, others append `-br`,
`--gzip` or `;gzip`. Clients send the changed tag back, so tags are compared without these additions.

`If-Match` also takes a weak tag. RFC 9110, section 13.1.1, asks for strong tags there, because documents with the same
weak tag may differ. Documents of this service cannot: the position is exact, and compression keeps the content.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from service.store.log import Head

JSON: Final = "application/json"
_GZIP: Final = "-gzip"
_LISTED: Final = re.compile(r'(?:W/)?"(?P<tag>[\x21\x23-\x7e\x80-\xff]*)"')
# At most three additions, one for each proxy on the way. Without a limit, a long header would take seconds to parse.
_CODED: Final = re.compile(r"(?P<state>.*?)(?:(?:--?|;)(?:gzip|br|zstd|deflate)){0,3}")
_DIGITS: Final = 10
_ON_RECORD: Final = re.compile(
    rf"(?P<position>0|[1-9][0-9]{{0,17}})-(?P<history>[0-9a-f]{{{_DIGITS}}})-(?P<representation>.+)"
)


class NamedState(NamedTuple):
    """The parts of a tag. `representation` has the representation number and the media type."""

    position: int
    history: str
    representation: str


def etag(position: int, history: str, representation: int, media_type: str = JSON) -> str:
    """Return the tag of a document that is computed from events. The body is not compressed."""
    return f'"{position}-{history}-{representation_part(representation, media_type)}"'


def history(head: Head, position: int, chain_hash: bytes, rank: int) -> str:
    """Return the part of a tag that identifies all events up to a position, as an audience sees them.

    `head`, `rank`: the head and the rank of the audience. The open audience of a record whose labels never changed has
    the tags of a record without labels. So these stay the same when the first event is withheld. At position 0 every
    record has the same chain hash, so the id of the record is used there.
    """
    if rank or head.relabelled:
        known = f"{head.record} {position} {chain_hash.hex()} {rank} {head.relabelled}"
        return blake2b(known.encode(), digest_size=_DIGITS // 2).hexdigest()
    return chain_hash.hex()[:_DIGITS] if position else head.record[-_DIGITS:]


def representation_part(representation: int, media_type: str = JSON) -> str:
    """Return the last part of a tag, for example `3-application/json`."""
    return f"{representation}-{media_type}"


def etag_of(body: bytes) -> str:
    """Return the tag of a document that no event changes. The body is not compressed."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def compressed(tag: str) -> str:
    """Return the tag of the same document in gzip."""
    return f'{tag[:-1]}{_GZIP}"'


def matching_tag(listed: str, tag: str) -> str | None:
    """Return the tag in `If-None-Match` that matches `tag`, as it was sent, or None.

    The content coding may differ. So the 304 repeats the tag of the copy that the client has.
    """
    if listed.strip(" \t") == "*":
        return tag
    state = tag[1:-1].removesuffix(_GZIP)
    found = [sent for sent, named in _listed(listed) if named == state]
    return tag if tag in found else next(iter(found), None)


def named_states(listed: str) -> list[NamedState]:
    """Return the parts of each tag in `If-Match`. Tags that no document of the record can have are left out."""
    found = (_ON_RECORD.fullmatch(state) for _, state in _listed(listed))
    return [NamedState(int(state["position"]), state["history"], state["representation"]) for state in found if state]


def _listed(listed: str) -> Iterator[tuple[str, str]]:
    """Yield each tag of a header as it was sent, and the same tag without the additions of proxies."""
    for sent in _LISTED.finditer(listed):
        coded = _CODED.fullmatch(sent["tag"])
        assert coded is not None  # the pattern matches any text
        yield sent[0], coded["state"]
