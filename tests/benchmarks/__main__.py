"""All benchmarks, one after another: `make bench`. One that cannot run here says why and stops no other."""

import subprocess
import sys

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
