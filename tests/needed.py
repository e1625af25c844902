"""Programs that tests need and pip cannot install. Without one, the test is skipped, or fails in .ci/run."""

import os
import shutil
from typing import Final

import pytest

REQUIRED: Final = bool(os.environ.get("PROGRAMS_REQUIRED"))
_PLACES: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
"""Servers are installed in folders for administrators, which not every PATH contains."""


def need(met: object, reason: str) -> None:
    """Skip the test if something is missing, or fail it where all programs are required."""
    if not met:
        assert not REQUIRED, reason
        pytest.skip(reason)


def find(name: str) -> str | None:
    return shutil.which(name, path=_PLACES)


def program(name: str, package: str = "") -> str:
    """Return the path of a program, which a Debian package contains."""
    found = find(name)
    need(found, f"there is no {name} on this machine (Debian's package {package or name})")
    return str(found)
