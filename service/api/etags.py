"""Entity tags: the only module that makes and reads them.

The tag of a document is `"<position>-<history>-<representation>-<media type>"`: the last position that it is computed
from, part of the chain hash there, the version of its shape, and its media type. The chain hash covers all events up to
the position, so a tag of another record or of lost events never matches. Such a tag is known before the document is
rendered, and changes with the shape of the JSON. The tag of a document that no event changes is a hash of its bytes.
The tag of a body that is compressed with gzip ends in `-gzip`.

Proxies change tags where they compress: nginx makes them weak (`W/"…"`), Apache appends `-gzip`, others append `-br`,
`--gzip` or `;gzip`. Clients send the changed tag back. Without `W/` and the coding it is our tag again. It then names
a state of the record, not the bytes that were sent.

`If-Match` takes such a tag too. RFC 9110, section 13.1.1, asks for strong tags there, because two representations with
the same weak tag may differ in content. Ours cannot: the position is exact, and compression does not change content.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

JSON: Final = "application/json"
_GZIP: Final = "-gzip"
_LISTED: Final = re.compile(r'(?:W/)?"(?P<tag>[\x21\x23-\x7e\x80-\xff]*)"')
# At most three, one for each proxy on the way: without a limit, a long header would take seconds to parse.
_CODED: Final = re.compile(r"(?P<state>.*?)(?:(?:--?|;)(?:gzip|br|zstd|deflate)){0,3}")
_DIGITS: Final = 10
_ON_RECORD: Final = re.compile(rf"(?P<position>0|[1-9][0-9]{{0,17}})-(?P<history>[0-9a-f]{{{_DIGITS}}})-(?P<form>.+)")


class Seen(NamedTuple):
    """The state of the record that a tag names: position, history up to it, and the rest of the tag."""

    position: int
    history: str
    form: str


def etag(position: int, history: str, representation: int, media_type: str = JSON) -> str:
    """Return the tag of an uncompressed document of the record."""
    return f'"{position}-{history}-{form(representation, media_type)}"'


def history(record: str, position: int, chain_hash: bytes) -> str:
    """Return the part of a tag that identifies the history up to a position.

    Before the first event every record has the same chain hash, so the id of the record stands for it there.
    """
    return chain_hash.hex()[:_DIGITS] if position else record[-_DIGITS:]


def form(representation: int, media_type: str = JSON) -> str:
    """Return the part of a tag behind the history."""
    return f"{representation}-{media_type}"


def etag_of(body: bytes) -> str:
    """Return the tag of an uncompressed document that no event changes."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def compressed(tag: str) -> str:
    """Return the tag of the same document, compressed with gzip."""
    return f'{tag[:-1]}{_GZIP}"'


def confirmed(listed: str, tag: str) -> str | None:
    """Return the tag in `If-None-Match` that names the same state as `tag`, as it was sent, or None.

    Its coding may differ. The response then has the tag of the copy that the sender holds.
    """
    if listed.strip(" \t") == "*":
        return tag
    state = tag[1:-1].removesuffix(_GZIP)
    found = [sent for sent, named in _listed(listed) if named == state]
    return tag if tag in found else next(iter(found), None)


def seen(listed: str) -> list[Seen]:
    """Return the states of the record that `If-Match` names. Other tags are ignored."""
    found = (_ON_RECORD.fullmatch(state) for _, state in _listed(listed))
    return [Seen(int(state["position"]), state["history"], state["form"]) for state in found if state]


def _listed(listed: str) -> Iterator[tuple[str, str]]:
    """Yield each tag of a list as it was sent, with the state that it names."""
    for sent in _LISTED.finditer(listed):
        coded = _CODED.fullmatch(sent["tag"])
        assert coded is not None  # the pattern matches any text
        yield sent[0], coded["state"]
