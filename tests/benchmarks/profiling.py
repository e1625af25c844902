"""Profile the service: the ten most expensive modules while reports are filed and while one irritant is polled.

py-spy (`make peers`) samples a server process under the load of wrk: 16 clients that file a report of one event each,
then 32 that request one irritant with its ETag. Only threads with the interpreter lock are sampled. A sample counts
for the innermost module of ours, of the framework or of the server. Work of other libraries counts for their caller.

    .venv/bin/python -m tests.benchmarks.profiling [--seconds 6] [--database URL]
"""

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx2

from tests.benchmarks.databases import add_option, run_on_each
from tests.benchmarks.filing import BEGINNING, POSTING, ROOT, Service, new_key, opened
from tests.benchmarks.measuring import load

SPY: Final = ROOT / ".venv/peers/bin/py-spy"
OWNERS: Final = re.compile(r".* \((?:.*/)?((?:service|fastapi|starlette|uvicorn|asyncio)/[\w/]+)\.py(?::\d+)?\)")
RAW: Final = ("--format", "raw", "--output")
ENTRIES: Final = 10


def owner(stack: str) -> str:
    """Return the module for which a sample counts."""
    for frame in reversed(stack.split(";")):
        if (found := OWNERS.fullmatch(frame)) is not None:
            return found[1].replace("/", ".").removesuffix(".__init__")
    return "the interpreter"


def shares(samples: Iterable[str]) -> list[tuple[str, float]]:
    """Return the share of each module in all samples, the largest first."""
    counted: Counter[str] = Counter()
    for line in samples:
        stack, _, times = line.rpartition(" ")
        counted[owner(stack)] += int(times)
    return [(name, times / counted.total()) for name, times in counted.most_common()]


def sampled(pid: int, seconds: int, load: list[str]) -> list[tuple[str, float]]:
    """Sample a process under load, from the second second on."""
    with TemporaryDirectory(prefix="irritants_profile_") as home:
        out = Path(home) / "samples"
        asking = subprocess.Popen(load, stdout=subprocess.DEVNULL)
        subprocess.run(
            [SPY, "record", "--pid", str(pid), "--duration", str(seconds), "--rate", "500", "--gil", *RAW, out],
            check=True,
            capture_output=True,
        )
        assert asking.wait(60) == 0
        return shares(out.read_text(encoding="utf-8").splitlines())


def told(what: str, found: list[tuple[str, float]]) -> None:
    print(f"\n{what}; {load()}")
    for name, share in found[:ENTRIES]:
        print(f"  {share:5.1%}  {name}")
    print(f"  {sum(share for _, share in found[ENTRIES:]):5.1%}  {len(found) - ENTRIES} others", flush=True)


def profiled(url: str, seconds: int) -> None:
    command = [sys.executable, "-m", "service", "serve", "--no-seed", "--json", "--port", "0", "--database", url]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", cwd=ROOT
    ) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        with closing(Service(address, new_key(url))) as service:
            service.file(*BEGINNING, opened("visas"))
        irritant = f"{address}/v1/irritants/no-se/visas"
        asking = ["wrk", "-t1", f"-d{seconds + 2}s"]
        filing = [*asking, "-c16", "-s", str(POSTING), f"{address}/v1/reports", "--", "report", "p", service.bearer]
        told("filing, 16 clients", sampled(process.pid, seconds, filing))
        unchanged = f"If-None-Match: {httpx2.get(irritant).headers['ETag']}"
        told("polling, 32 clients", sampled(process.pid, seconds, [*asking, "-c32", "-H", unchanged, irritant]))
        process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=6)
    add_option(parser)
    arguments = parser.parse_args()
    if not SPY.exists():
        sys.exit("py-spy is not installed: make peers")
    run_on_each(arguments.database, lambda server: profiled(server.database(), arguments.seconds))


if __name__ == "__main__":
    main()
