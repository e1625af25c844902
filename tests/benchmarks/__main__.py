"""All benchmarks, one after another: `make bench`."""

import subprocess
import sys

for name in ("reading", "appending", "filing"):
    print(f"\n{name}\n", flush=True)
    subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=True)
