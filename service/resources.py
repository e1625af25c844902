"""Finds the files and the version of the service, both in a checkout and in an installed wheel.

`migrations`, `openapi` and `seeds` lie at the top of the repository, and the build copies them into the package (see
pyproject.toml). So a package without them runs from a checkout, and the checkout is the folder that contains it.
"""

import tomllib
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Final

# Paths are enough, because pip unpacks wheels, and Alembic and Jinja need folders.
_PACKAGE: Final = Path(str(files("service")))
_CHECKOUT: Final = None if (_PACKAGE / "migrations").is_dir() else _PACKAGE.parent


def folder(name: str) -> Path:
    """Return a folder of the package, such as `web`, or one that the build copies into it, such as `seeds`."""
    inside = _PACKAGE / name
    return inside if _CHECKOUT is None or inside.is_dir() else _CHECKOUT / name


def version() -> str:
    """Return the version of the installed distribution, or in a checkout the version in pyproject.toml.

    A checkout does not use the metadata: it may not be installed, or have changed since.
    """
    if _CHECKOUT is None:
        return metadata.version("irritants")
    return str(tomllib.loads((_CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
