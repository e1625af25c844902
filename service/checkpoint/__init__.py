"""Checkpoints: a signed statement of how far the record went and what it was, for keeping out of its keepers' reach.

The chain proves only that the record agrees with itself: whoever may do everything with the database can cut its tail
off, or rewrite it from some position on, and make the chain anew. Not so as to fit a statement signed before.
"""

import json
from typing import Annotated, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_WHAT: Final = b"irritants checkpoint v1\n"
"""Begins what is signed, so that no signature over anything else can pass for one over this."""


def _hex(size: int) -> StringConstraints:
    return StringConstraints(pattern=f"^[0-9a-f]{{{2 * size}}}$")


class Forged(Exception):
    """The checkpoint was not signed with the key that it names, or not with the one that was asked for."""


class Statement(BaseModel):
    """How far the record went, and the chain hash there, which depends on everything before it."""

    # Kept in files for years and compared with records of later releases: nothing here is ever renamed.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    record: str = Field(description="which record this is; an import brings it along")
    position: int = Field(ge=0, description="the last position; 0 where the record was empty")
    chain_hash: Annotated[str, _hex(32)] = Field(description="the chain hash of that event, in hexadecimal")
    recorded_at: str = Field(description="when that event was recorded")

    def signed(self) -> bytes:
        """The bytes under the signature: whoever has OpenSSL can check them without this service."""
        fields = {name: getattr(self, name) for name in sorted(Statement.model_fields)}
        return _WHAT + json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


class Checkpoint(Statement):
    """Where the record stands, signed (Ed25519), for keeping elsewhere; `irritants verify --checkpoint` checks it."""

    public_key: Annotated[str, _hex(32)] = Field(description="the key that checks the signature, in hexadecimal")
    signature: Annotated[str, _hex(64)] = Field(
        description="over the line `irritants checkpoint v1` and the other four fields as JSON, sorted, without blanks"
    )

    def check(self, public_key: str | None = None) -> None:
        """Raises Forged. Without `public_key` it proves only that nothing in it was changed since it was signed."""
        if public_key is not None and public_key != self.public_key:
            raise Forged(f"it was signed with another key, {self.public_key}")
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
            key.verify(bytes.fromhex(self.signature), self.signed())
        except (InvalidSignature, ValueError):
            raise Forged("its signature does not fit what it says") from None


def sign(statement: Statement, key: Ed25519PrivateKey) -> Checkpoint:
    """The same statement is signed the same way always."""
    return Checkpoint(
        **statement.model_dump(),
        public_key=key.public_key().public_bytes_raw().hex(),
        signature=key.sign(statement.signed()).hex(),
    )
