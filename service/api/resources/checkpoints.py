"""The checkpoint of the record: its last position and chain hash, signed. Clients store it outside the service."""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.api.parameters import Query
from service.api.problems import Problem
from service.api.resources import FoundDocument, PathParameters, Resource, Snapshot, found_at_position
from service.checkpoint import Checkpoint, Statement, keyfile, sign
from service.follower import RECORD
from service.store import codec
from service.store.log import Head

PATH: Final = "/v1/checkpoint"
_REPRESENTATION: Final = 1


class CheckpointQuery(Query):
    """No parameters: only the present is signed."""


def resource(file: Path | None) -> Resource[CheckpointQuery, Checkpoint]:
    """Return the resource that signs with the key in a file. A missing key is made. Raises KeyFileError."""
    key = None if file is None else keyfile.read_or_make_key(file)

    def find(snapshot: Snapshot, _names: PathParameters, _query: CheckpointQuery) -> FoundDocument[Checkpoint]:
        """Read the latest checkpoint: the last position and its chain hash, signed.

        Keep it where the operators of the record cannot change it. With it, `irritants verify --checkpoint FILE` finds
        events that were rewritten or removed. It answers 404 if the service has no key to sign with.
        """
        if key is None:
            raise Problem(
                "not-found",
                "This service has no key to sign with. The operator can set one in IRRITANTS_CHECKPOINT_KEY.",
            )
        return found_at_position(signed(snapshot.head, key), _REPRESENTATION)

    return Resource(PATH, CheckpointQuery, find, topics=lambda *_: (RECORD,), shape=Checkpoint)


def signed(head: Head, key: Ed25519PrivateKey) -> Checkpoint:
    """Return the checkpoint of a head."""
    at = codec.instant(head.recorded_at)
    statement = Statement(record=head.record, position=head.position, chain_hash=head.chain_hash.hex(), recorded_at=at)
    return sign(statement, key)
