"""A checkpoint is valid only with the signature of its key, and any change makes it invalid."""

import json
import shutil
import stat
import subprocess
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from service.checkpoint import Checkpoint, ForgedCheckpoint, Statement, keyfile, sign

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SAID = Statement(
    record="0190c2a0-0000-7000-8000-000000000001",
    position=41,
    chain_hash="ab" * 32,
    recorded_at="2031-05-14T12:00:00.000000Z",
)


def changed(**fields: Any) -> Checkpoint:
    return Checkpoint.model_validate({**sign(SAID, KEY).model_dump(), **fields})


def test_a_signed_checkpoint_is_valid_and_is_read_back_unchanged() -> None:
    checkpoint = sign(SAID, KEY)
    checkpoint.check()
    checkpoint.check(KEY.public_key().public_bytes_raw().hex())
    assert Checkpoint.model_validate_json(checkpoint.model_dump_json()) == checkpoint
    assert sign(SAID, KEY) == checkpoint


def test_the_signed_bytes_never_change() -> None:
    # Checkpoints are kept for years. This one is of the first release.
    assert SAID.signed() == (
        b'irritants checkpoint v1\n{"chain_hash":"' + b"ab" * 32 + b'","position":41,'
        b'"record":"0190c2a0-0000-7000-8000-000000000001","recorded_at":"2031-05-14T12:00:00.000000Z"}'
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"position": 40},
        {"chain_hash": "ac" * 32},
        {"record": "another"},
        {"recorded_at": "2031-05-14T12:00:00.000001Z"},
        {"signature": "00" * 64},
        {"public_key": Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()},
        {"public_key": "ff" * 32},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_changed_field_makes_a_checkpoint_invalid(fields: dict[str, Any]) -> None:
    with pytest.raises(ForgedCheckpoint, match="does not match"):
        changed(**fields).check()


def test_a_signature_of_another_key_is_valid_only_if_no_key_is_required() -> None:
    other = Ed25519PrivateKey.generate()
    sign(SAID, other).check()
    with pytest.raises(ForgedCheckpoint, match="signed with another key"):
        sign(SAID, other).check(KEY.public_key().public_bytes_raw().hex())


@pytest.mark.parametrize("fields", [{"position": -1}, {"position": "41"}, {"chain_hash": "ab"}, {"more": 1}])
def test_a_malformed_checkpoint_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        changed(**fields)


def test_a_key_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "home" / "checkpoint.key"
    with ThreadPool(8) as threads:
        keys = threads.map(keyfile.read_or_make_key, [file] * 8)
    assert len({key.private_bytes_raw() for key in keys}) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["checkpoint.key"]


def test_a_file_that_is_no_key_is_reported_and_not_changed(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"not a key", other):
        file = tmp_path / "file"
        file.write_bytes(content)
        with pytest.raises(keyfile.KeyFileError, match="is not an Ed25519 key"):
            keyfile.read_or_make_key(file)
        assert file.read_bytes() == content


def test_a_key_that_cannot_be_saved_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(keyfile.KeyFileError, match="cannot read or write the key"):
        keyfile.read_or_make_key(tmp_path / "file" / "checkpoint.key")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_can_verify_a_checkpoint(tmp_path: Path) -> None:
    said = json.loads(sign(SAID, KEY).model_dump_json())
    public_key, signature = bytes.fromhex(said.pop("public_key")), bytes.fromhex(said.pop("signature"))
    line = "irritants checkpoint v1\n" + json.dumps(said, sort_keys=True, separators=(",", ":"))
    # An Ed25519 key in X.509: a fixed prefix, then the key.
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public_key)
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "line").write_text(line, encoding="utf-8")
    checked = subprocess.run(
        [
            "openssl",
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "key.der",
            "-keyform",
            "DER",
            "-rawin",
            "-in",
            "line",
            "-sigfile",
            "signature",
        ],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert checked.returncode == 0, checked.stderr + checked.stdout
