"""Measure how soon the form shows the preview after a key press: with 30 entries in the report, in a real Chromium.

The service runs in its own process on the seeded record. Each press types one letter into the summary of another entry.
The clock of the page starts with the event `input`, and ends when the preview of that text is in the page. The form
waits a quarter of a second for further letters, which is part of the time.

    .venv/bin/python -m tests.benchmarks.previewing [--entries 30] [--presses 100] [--database URL]
"""

import argparse
from statistics import median, quantiles
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from service.seeding import seed
from service.store.engine import open_engine
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.filing import new_key, serving
from tests.benchmarks.measuring import load
from tests.needed import find

VISAS: Final = "part-irritant-ru-us-visas"
PRESSED: Final = """id => new Promise(done => {
  const field = document.getElementById(id), began = performance.now();
  document.addEventListener("htmx:afterSettle", event => {
    if (event.detail.target.id === "preview") done(performance.now() - began);
  }, { once: true });
  field.focus();
  document.execCommand("insertText", false, "x");
})"""


def measured(server: Server, entries: int, presses: int) -> None:
    url = server.database()
    engine = open_engine(url)
    seed(engine)
    engine.dispose()
    key = new_key(url)
    with serving(url) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
        context = chromium.new_context()
        form: dict[str, Any] = {"key": key, "next": "/help"}
        signed_in = context.request.post(f"{address}/sign-in", form=form, headers={"Sec-Fetch-Site": "none"})
        assert signed_in.ok, signed_in.text()
        page = context.new_page()
        page.goto(f"{address}/file?round=ru-us/moscow-next")
        fill(page, entries)
        took = sorted(page.evaluate(PRESSED, f"e{2 + n % entries}-summary") for n in range(presses))
        chromium.close()
    print(f"{entries} entries, {presses} presses; {load()}")
    print(f"  from key press to preview: median {median(took):.0f} ms, p99 {quantiles(took, n=100)[-1]:.0f} ms")


def fill(page: Page, entries: int) -> None:
    """Fill the form with complete entries on one irritant."""
    part = page.locator(f'section[aria-labelledby="{VISAS}"]')
    for number in range(2, 2 + entries):
        part.get_by_role("combobox").last.select_option("PositionStated")
        part.get_by_role("button", name="Add").click()
        page.locator(f"#e{number}-summary").fill("The department states its position.")
        page.locator(f"#e{number}-stance").select_option("open")
        page.locator(f"#e{number}-asserted_by-party").fill("US")
        page.locator(f"#e{number}-asserted_by-channel").select_option("paraphrase")
        page.locator(f"#e{number}-source-document").fill("a4-unnamed-outlet")
        page.locator(f"#e{number}-source-paragraphs").fill("5")
        page.locator(f"#e{number}-source-origin").fill("state-department-on-april")
    page.wait_for_load_state("networkidle")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=30)
    parser.add_argument("--presses", type=int, default=100)
    add_option(parser)
    given = parser.parse_args()
    run_on_each(given.database, lambda server: measured(server, given.entries, given.presses))


if __name__ == "__main__":
    main()
