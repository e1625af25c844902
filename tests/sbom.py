"""The software bill of materials of a lock file: the packages in the image, with versions and hashes.

The format is CycloneDX. It is made from the lock alone, so it needs neither a network nor an installation.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

from service.resources import version

_PINNED: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)(?P<rest>(?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE
)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill(lock: str) -> dict[str, Any]:
    """Return the bill. The same lock gives the same bill, without time and serial number."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "irritants", "version": version()}},
        "components": [_component(pinned) for pinned in _PINNED.finditer(lock)],
    }


def _component(pinned: re.Match[str]) -> dict[str, Any]:
    name = re.sub(r"[-_.]+", "-", pinned["name"]).lower()
    hashes = ", ".join(_HASH.findall(pinned["rest"]))
    return {
        "type": "library",
        "name": name,
        "version": pinned["version"],
        "purl": f"pkg:pypi/{name}@{pinned['version']}",
        # The installed file is one of these, which depends on the platform.
        "properties": [{"name": "irritants:sha256", "value": hashes}],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(bill(Path(sys.argv[1]).read_text(encoding="utf-8")), indent=2) + "\n")
