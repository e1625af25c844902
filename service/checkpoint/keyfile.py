"""Read or make the key that signs checkpoints. It is in a file that only its owner can read (PEM, PKCS #8).

The key is not in the database, because then an owner of the database could rewrite the record and sign it.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


class KeyFileError(Exception):
    """The key cannot be read or made. The message names the file."""


def read_or_make_key(file: Path) -> Ed25519PrivateKey:
    """Return the key in a file. Make the key and the file if they are missing. Raise KeyFileError."""
    try:
        if not file.exists():
            _make(file)
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as refused:
        raise KeyFileError(f"cannot read or write the key for checkpoints in {file}: {refused.strerror}") from refused
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(
            f"{file} is not an Ed25519 key in PEM without a password; name another file, or move this file away"
        )
    return key


def _make(file: Path) -> None:
    """Write a new key to a temporary file and link it. If two processes do so at the same time, both read one key."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):
            os.link(aside, file)
    finally:
        Path(aside).unlink()
