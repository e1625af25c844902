"""The key that signs checkpoints, in a file of its own: PEM, PKCS #8, for nobody but its owner to read.

Made when it is first asked for. It must not lie in the database: whoever can rewrite the record could then sign it too.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


class KeyFileError(Exception):
    """The key cannot be read or made; the message names the file."""


def ensure(file: Path) -> Ed25519PrivateKey:
    """The key in the file, made where there is none. Raises KeyFileError."""
    try:
        if not file.exists():
            _make(file)
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as refused:
        raise KeyFileError(f"the key for checkpoints cannot be kept in {file}: {refused.strerror}") from refused
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{file} holds no Ed25519 key in PEM without a password")
    return key


def _make(file: Path) -> None:
    """Linked to its name when whole: of two processes that start at once one makes the key, and both read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):
            os.link(aside, file)
    finally:
        Path(aside).unlink()
