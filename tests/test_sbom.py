"""The bill of materials lists all packages of the lock."""

import re
from pathlib import Path

from tests.sbom import bill

LOCK = (Path(__file__).parents[1] / "requirements.txt").read_text(encoding="utf-8")


def test_the_bill_lists_every_pinned_package_with_its_hashes() -> None:
    components = bill(LOCK)["components"]
    assert len(components) == len(re.findall(r"^[a-z].*==", LOCK, re.MULTILINE)) > 20
    assert sum(len(re.findall("[0-9a-f]{64}", str(c["properties"]))) for c in components) == LOCK.count(
        "--hash=sha256:"
    )
    assert any(
        c["name"] == "cryptography" and re.match(r"pkg:pypi/cryptography@[0-9.]+$", c["purl"]) for c in components
    )
