"""Run all benchmarks one after another: `make bench`. A benchmark that fails says why, and the others still run.

The run takes most of an hour, so missing programs that pip cannot install are reported before it.
"""

import subprocess
import sys

from tests.needed import find

missing = [program for program in ("wrk", "nats-server", "chromium") if find(program) is None]
if missing:
    sys.exit(
        f"not installed: {', '.join(missing)}. On Debian: apt-get install {' '.join(missing)}. Benchmarks that need"
        " none of them can be run alone; tests/benchmarks/README.md lists them."
    )
failed = []
for name in (
    "no_miss",
    "filing",
    "reading",
    "waiting",
    "past",
    "stream",
    "relaying",
    "standbys",
    "appending",
    "indexing",
    "keeping",
    "pages",
    "previewing",
):
    print(f"\n{name}\n", flush=True)
    if subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode:
        failed.append(name)
sys.exit(f"not measured: {', '.join(failed)}" if failed else 0)
