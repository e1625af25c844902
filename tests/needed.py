"""Programs that a test needs and pip cannot bring. Without one the test is skipped, and in .ci/run it fails."""

import os
import shutil
from typing import Final

import pytest

REQUIRED: Final = bool(os.environ.get("PROGRAMS_REQUIRED"))
_PLACES: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
"""Servers lie in the folders for administrators, which not every PATH has."""


def need(met: object, reason: str) -> None:
    """Skip the test where something is missing; fail it where everything has to be there."""
    if not met:
        assert not REQUIRED, reason
        pytest.skip(reason)


def find(name: str) -> str | None:
    return shutil.which(name, path=_PLACES)


def program(name: str, package: str = "") -> str:
    """Return the path of a program, which Debian has in a package."""
    found = find(name)
    need(found, f"there is no {name} on this machine (Debian's package {package or name})")
    return str(found)
