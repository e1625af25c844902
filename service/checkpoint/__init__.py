"""Checkpoints: signed statements of the last position of the record and its chain hash.

The chain hash alone proves only that the record is consistent. An owner of the database could rewrite events and
compute the chain again. The new chain does not match a checkpoint that was signed before, so store checkpoints where
the operators of the service cannot change them.
"""

import json
from typing import Annotated, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_PURPOSE: Final = b"irritants checkpoint v1\n"
"""The first line of the signed bytes. It makes signatures for other purposes invalid here."""


def _hex(size: int) -> StringConstraints:
    """Return the rule for `size` bytes in lower-case hexadecimal digits."""
    return StringConstraints(pattern=f"^[0-9a-f]{{{2 * size}}}$")


class ForgedCheckpoint(Exception):
    """The checkpoint was not signed with the key that it names, or not with the expected key."""


class Statement(BaseModel):
    """The last position of the record and its chain hash, which depends on all events before it."""

    # Never rename a field: later releases must read files of earlier ones.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    record: str = Field(description="the id of the record; an import keeps it")
    position: int = Field(ge=0, description="the last position; 0 if the record was empty")
    chain_hash: Annotated[str, _hex(32)] = Field(description="the chain hash of that event, in hexadecimal")
    recorded_at: str = Field(description="when that event was recorded")

    def signed(self) -> bytes:
        """Return the bytes that are signed. OpenSSL can verify the signature without this service."""
        fields = {name: getattr(self, name) for name in sorted(Statement.model_fields)}
        return _PURPOSE + json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


class Checkpoint(Statement):
    """A signed position and chain hash (Ed25519). `irritants verify --checkpoint FILE` compares a record with it."""

    public_key: Annotated[str, _hex(32)] = Field(description="the key that verifies the signature, in hexadecimal")
    signature: Annotated[str, _hex(64)] = Field(
        description="of the line `irritants checkpoint v1` and the first four fields as JSON, sorted, without blanks"
    )

    def check(self, public_key: str | None = None) -> None:
        """Verify the signature and, if `public_key` is given, who signed. Raise ForgedCheckpoint.

        Without `public_key` this proves only that the checkpoint was not changed after it was signed.
        """
        if public_key is not None and public_key != self.public_key:
            raise ForgedCheckpoint(f"it was signed with another key: {self.public_key}")
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
            key.verify(bytes.fromhex(self.signature), self.signed())
        except (InvalidSignature, ValueError):
            raise ForgedCheckpoint("its signature does not match its content") from None


def sign(statement: Statement, key: Ed25519PrivateKey) -> Checkpoint:
    """Return a signed statement. Ed25519 is deterministic: the same statement gets the same signature."""
    return Checkpoint(
        **statement.model_dump(),
        public_key=key.public_key().public_bytes_raw().hex(),
        signature=key.sign(statement.signed()).hex(),
    )
