"""Check that a follower misses no event: with our feed, with a naive sequence, and with a library.

The figures are acknowledged events that a follower never saw, with commits as they come, and with every tenth commit
20 ms late. `eventsourcing` takes part if it is installed: `make peers` installs it into `.venv/peers`, or `--peers`
names a Python that has it. Exit 1 if our feed lost or doubled an event.

    .venv/bin/python -m tests.benchmarks.no_miss [--writers 16] [--each 32] [--peers PYTHON] [--database URL]
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final

from service.domain import report
from service.recorder import Receipt, Recorder, ReportRequest
from service.store import events
from service.store.engine import connection, open_engine
from tests.benchmarks import feeds
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.feeds import Feed, Missed, missed, naive
from tests.benchmarks.measuring import load

PROGRAM: Final = Path(feeds.__file__)
PEERS: Final = PROGRAM.parents[2] / ".venv" / "peers" / "bin" / "python"
PROCESSES: Final = 2
OURS: Final = "ours, two recorders"
COMMITS: Final = {"as commits come": False, "every tenth commit late": True}
_SECONDS: Final = 120
Contender = Callable[[bool], Missed]


@contextmanager
def ours(database: str, *, is_slow: bool) -> Iterator[Feed]:
    """Our whole write path, with a recorder for each process that would run, and the log as the feed reads it."""
    if is_slow:
        feeds.slow_commits(database, "events")
    engine, turns = open_engine(database, connections=16), count()
    recorders = [Recorder(engine) for _ in range(PROCESSES)]
    said = {"type": "RelationOpened", "stream": "relation/no-se", "parties": ["NO", "SE"], "title": "Talks"}
    (opened,) = recorders[0].record([_request(said, "opening")])
    assert isinstance(opened, Receipt)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        for recorder in recorders:
            recorder.queue.start()
            stack.callback(recorder.queue.close)
        reading = stack.enter_context(connection(engine))

        def append(name: str) -> object:
            said = {"type": "IrritantOpened", "stream": f"irritant/no-se/{name}", "title": "-", "category": "mobility"}
            return recorders[next(turns) % PROCESSES].queue.submit(_request(said, name)).result()

        def after(position: int) -> list[tuple[int, str]]:
            found = events.read_log(reading, after=position, limit=100)
            return [(event.position, event.stream.rpartition("/")[2]) for event in found]

        yield Feed(append, after)


def _request(event: Mapping[str, Any], key: str) -> ReportRequest:
    body = json.dumps({"relation": "no-se", "title": "-", "events": [event]}).encode()
    return ReportRequest(report.read(json.loads(body)), key, sha256(body).digest(), "desk", key)


def here(server: Server, feed: Callable[..., Any], writers: int, each: int, *, bare: bool) -> Contender:
    def contend(is_slow: bool) -> Missed:  # noqa: FBT001
        with feed(server.database(bare=bare), is_slow=is_slow) as opened:
            return missed(opened, writers, each)

    return contend


def elsewhere(server: Server, python: str, name: str, writers: int, each: int) -> Contender:
    """Run the same test in the Python that has the library."""

    def contend(is_slow: bool) -> Missed:  # noqa: FBT001
        asked = [name, server.database(bare=True), str(writers), str(each), *(["slow"] if is_slow else [])]
        done = subprocess.run(
            [python, str(PROGRAM), *asked], capture_output=True, encoding="utf-8", check=True, timeout=_SECONDS
        )
        return Missed(**json.loads(done.stdout))

    return contend


def version_of(python: str) -> str | None:
    """Return the version of eventsourcing there, or None without it."""
    asked = (
        "from importlib.metadata import version; import eventsourcing, psycopg_pool; print(version('eventsourcing'))"
    )
    try:
        return subprocess.run([python, "-c", asked], capture_output=True, encoding="utf-8", check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def compared(server: Server, python: str, writers: int, each: int) -> bool:
    """Print the table. Return whether our feed lost no event."""
    contenders: dict[str, Contender] = {
        OURS: here(server, ours, writers, each, bare=False),
        "a sequence, id > last": here(server, naive, writers, each, bare=True),
    }
    if (version := version_of(python)) is not None:
        contender = partial(elsewhere, server, python, writers=writers, each=each)
        contenders[f"eventsourcing {version}"] = contender("eventsourcing")
        contenders[f"eventsourcing {version}, its functions on"] = contender("eventsourcing, functions")
    print(f"{writers} writers, {each} events each, one follower; {load()}")
    print(f"  {'lost':40}" + "".join(f"{commits:>26}" for commits in COMMITS))
    whole = True
    for name, contend in contenders.items():
        told = [contend(is_slow) for is_slow in COMMITS.values()]
        print(f"  {name:40}" + "".join(f"{t.lost:>18} of {t.of:>4}" for t in told), flush=True)
        whole = whole and not (name == OURS and any(t.lost or t.doubled for t in told))
    if version is None:
        print(f"  eventsourcing: not measured, {python} does not have it; `make peers` installs it")
    return whole


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--each", type=int, default=32)
    parser.add_argument("--peers", metavar="PYTHON", default=str(PEERS), help="a Python with eventsourcing[postgres]")
    add_option(parser)
    arguments = parser.parse_args()
    whole: list[bool] = []
    run_on_each(
        arguments.database,
        lambda server: whole.append(compared(server, arguments.peers, arguments.writers, arguments.each)),
    )
    return 0 if all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
