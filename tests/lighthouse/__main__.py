"""Require 100 points of Lighthouse for accessibility and best practices: `make lighthouse` prints what costs points.

The search engine points and the speed are left out. The pages are not for search engines, and benchmarks measure the
speed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.needed import find
from tests.picture import served_seeds

PAGES: Final = ("/", "/irritants/ru-us/banking-access", "/rounds/ru-us/istanbul-april", "/search?q=bank")
"""The board, a dossier, a sheet and a search."""
CATEGORIES: Final = ("accessibility", "best-practices")
LIGHTHOUSE: Final = Path(sys.prefix) / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
OPTIONS: Final = (
    *("--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}"),
    "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
)
_SECONDS: Final = 300


def main() -> int:
    is_full = True
    with served_seeds() as address:
        for page in PAGES:
            found = report(f"{address}{page}")
            points = {name: round(100 * found["categories"][name]["score"]) for name in CATEGORIES}
            print(f"{page}: {', '.join(f'{name} {number}' for name, number in points.items())}")
            for lost in losses(found):
                print(f"  {lost}")
            is_full = is_full and set(points.values()) == {100}
    return 0 if is_full else 1


def report(address: str) -> Any:
    environment = {**os.environ, "CHROME_PATH": find("chromium") or "chromium"}
    done = subprocess.run(
        [LIGHTHOUSE, address, *OPTIONS], env=environment, capture_output=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return json.loads(done.stdout)


def losses(found: Any) -> Iterator[str]:
    """Yield the title of each audit that costs points."""
    weights = {one["id"]: one["weight"] for category in found["categories"].values() for one in category["auditRefs"]}
    for name, audit in found["audits"].items():
        if weights.get(name) and audit["score"] is not None and audit["score"] < 1:
            yield audit["title"]


if __name__ == "__main__":
    sys.exit(main())
