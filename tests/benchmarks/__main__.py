"""All benchmarks, one after another: `make bench`. One that fails says why and stops no other.

The programs that they need and that pip cannot bring are looked for first: the run takes most of an hour.
"""

import subprocess
import sys

from tests.needed import find

missing = [program for program in ("wrk", "nats-server") if find(program) is None]
if missing:
    sys.exit(
        f"not installed: {', '.join(missing)}. On Debian: apt-get install {' '.join(missing)}. Benchmarks that need"
        " neither can be run alone; tests/benchmarks/README.md lists them."
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
    "keeping",
    "pages",
):
    print(f"\n{name}\n", flush=True)
    if subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode:
        failed.append(name)
sys.exit(f"not measured: {', '.join(failed)}" if failed else 0)
