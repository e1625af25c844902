"""Take the picture of the board that the README shows, from the seeded record: `make picture`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import sync_playwright

from tests.needed import find

PICTURE: Final = Path(__file__).parents[1] / "docs" / "images" / "board.png"
WIDTH: Final = 1200
"""The width of the window in pixels. The picture is as high as the page."""


def main() -> None:
    with served_seeds() as address:
        photograph(address)


@contextmanager
def served_seeds() -> Iterator[str]:
    """Serve the seeded record in a process of its own. Yield its address."""
    command = [sys.executable, "-m", "service", "serve", "--port", "0", "--json"]
    with TemporaryDirectory(prefix="irritants-") as folder:
        environment = {**os.environ, "IRRITANTS_HOME": f"{folder}/record"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, encoding="utf-8") as service:
            assert service.stdout is not None
            try:
                yield json.loads(service.stdout.readline())["address"]
            finally:
                service.terminate()


def photograph(address: str) -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 700}, color_scheme="light")
        page.goto(address)
        page.screenshot(path=PICTURE, full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
