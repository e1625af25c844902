"""The record's checkpoint: where it stands, signed, for whoever keeps a copy of that elsewhere."""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.api.parameters import Query
from service.api.problems import Problem
from service.api.resources import Found, Names, Resource, Snapshot, found
from service.checkpoint import Checkpoint, Statement, keyfile, sign
from service.follower import RECORD
from service.store import codec
from service.store.log import Head

PATH: Final = "/v1/checkpoint"
_REPRESENTATION: Final = 1


class CheckpointQuery(Query):
    """Takes no parameters: what is signed is the present."""


def resource(file: Path | None) -> Resource[CheckpointQuery, Checkpoint]:
    """Signed with the key in the file, which is made where there is none. Raises KeyFileError."""
    key = None if file is None else keyfile.ensure(file)

    def find(snapshot: Snapshot, _names: Names, _query: CheckpointQuery) -> Found[Checkpoint]:
        """The latest checkpoint: the last position and its chain hash, signed.

        Keep it where nobody who keeps the record can change it: `irritants verify --checkpoint FILE` finds by it a
        history that was rewritten and a tail that was cut off. 404 where the service has no key to sign with.
        """
        if key is None:
            raise Problem("not-found", "This service has no key to sign with: IRRITANTS_CHECKPOINT_KEY names none.")
        return found(signed(snapshot.head, key), _REPRESENTATION)

    return Resource(PATH, CheckpointQuery, find, lambda *_: (RECORD,), shape=Checkpoint)


def signed(head: Head, key: Ed25519PrivateKey) -> Checkpoint:
    at = codec.instant(head.recorded_at)
    statement = Statement(record=head.record, position=head.position, chain_hash=head.chain_hash.hex(), recorded_at=at)
    return sign(statement, key)
