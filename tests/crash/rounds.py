"""Crash rounds: kill a real server and a real PostgreSQL under load, and prove that no event is lost.

    python -m tests.crash.rounds --rounds 50 [--seed N] [--history FILE]

Prints every violation that the checker finds, and then exits with 1. `--history` writes the checked history to a file.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.crash.checker import History, Logged, Violation, violations
from tests.crash.clients import Client, Notes, file, follow, opening, operate, poll
from tests.crash.faults import Cut, Database, Proxy, Service

OPERATORS: Final = 6
POLLERS: Final = 4
FOLLOWERS: Final = 2
FAULTS: Final = ("kill the service", "kill the database", "cut the connections")
CUTS: Final = tuple(Cut)
PATIENCE: Final = 5.0


@dataclass
class Result:
    """The faults of a run, and what the clients and the checker saw."""

    rounds: int
    faults: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    history: History | None = None
    notes: Notes = field(default_factory=Notes)
    complaints: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        assert self.history is not None
        kinds = Counter(v.kind for v in self.violations)
        return {
            "rounds": self.rounds,
            **self.faults,
            **{f"cut {where}": times for where, times in self.cuts.items()},
            "reports sent": len(self.history.sent),
            "acknowledged": len(self.history.acknowledged),
            "refused": self.notes.refused,
            "abandoned by the client": self.notes.given_up,
            "retries": self.notes.retries,
            "recorded, and found by a retry": self.notes.found_again,
            "events on record": len(self.history.log),
            "reads": len(self.history.reads),
            "events followed": sum(len(f.seen) for f in self.history.followed),
            **{kind: kinds[kind] for kind in ("lost", "doubled", "invented", "gap", "skipped", "reordered")},
            **{kind: kinds[kind] for kind in ("stale", "went back")},
            "other complaints": len(self.complaints),
        }


async def crash(rounds: int, seed: int, home: Path) -> Result:
    """Run the rounds in the folder `home`, and end all processes that they started."""
    chance, result = random.Random(seed), Result(rounds)
    database = Database(home / "postgres")
    await asyncio.to_thread(database.start)
    with psycopg.connect(database.address, autocommit=True) as admin:
        admin.execute("CREATE DATABASE record")
    proxy = Proxy(database)
    await proxy.start()
    address = f"postgresql://postgres@127.0.0.1:{proxy.port}/record?sslmode=disable&gssencmode=disable"
    services: list[Service] = []
    try:
        await command("migrate", "--database", address)
        key = (await command("key", "create", "crash", "--scope", "report", "--database", address)).strip()
        serve = [sys.executable, "-m", "service", "serve", "--no-seed"]
        services = [Service(serve, free_port(), address, home / f"service-{n}.log") for n in (1, 2)]
        for service in services:
            service.start()
        client = Client([s.url for s in services], key, result.notes, chance)
        await file(client, "opening", opening())
        await under_load(client, lambda: strike(rounds, chance, database, proxy, services, result))
        await client.close()
        await conclude(address, home, result)
    finally:
        for service in services:
            await service.stop()
        await proxy.close()
        await asyncio.to_thread(database.stop)
    return result


async def under_load(client: Client, strikes: Any) -> None:
    """Run all clients during the strikes, then let them finish."""
    ending, caught_up = asyncio.Event(), asyncio.Event()
    working = [
        *(asyncio.ensure_future(operate(client, f"operator-{n}", ending)) for n in range(OPERATORS)),
        *(asyncio.ensure_future(poll(client, f"poller-{n}", ending)) for n in range(POLLERS)),
    ]
    following = [asyncio.ensure_future(follow(client, f"follower-{n}", caught_up)) for n in range(FOLLOWERS)]
    await strikes()
    ending.set()
    await asyncio.gather(*working)
    caught_up.set()
    await asyncio.gather(*following)


async def strike(
    rounds: int, chance: random.Random, database: Database, proxy: Proxy, services: list[Service], result: Result
) -> None:
    for number in range(1, rounds + 1):
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        fault = FAULTS[number % len(FAULTS)]
        result.faults[fault] += 1
        if sys.stderr.isatty():
            print(f"round {number} of {rounds}: {fault}", file=sys.stderr)
        match fault:
            case "kill the service":
                chance.choice(services).kill()
            case "kill the database":
                database.kill()
                await asyncio.to_thread(database.start)
            case _:
                for _ in range(chance.randint(1, 3)):
                    proxy.cut()
                    await asyncio.sleep(chance.uniform(0, 0.05))
                for where in chance.sample(CUTS, len(CUTS)):
                    if await proxy.cut_next_append(where, PATIENCE):
                        result.cuts[where.value] += 1
    await asyncio.sleep(1)


async def conclude(address: str, home: Path, result: Result) -> None:
    """Verify and export the record at the end, and let the checker judge the history."""
    exported = home / "export.jsonl"
    await command("verify", "--documents", "--database", address)
    await command("export", str(exported), "--database", address)
    notes = result.notes
    lines = [json.loads(line) for line in exported.read_text(encoding="utf-8").splitlines()[1:]]
    log = [Logged(e["position"], e["id"], e["stream"], e["reportkey"]) for e in lines]
    result.history = History(log, notes.acknowledged, notes.reads, notes.views(), frozenset(notes.sent))
    result.violations = violations(result.history)
    result.complaints += notes.unexpected
    behind = [f.follower for f in result.history.followed if len(f.seen) < len(log)]
    result.complaints += [f"{name} did not see the whole record" for name in behind]


async def command(*words: str) -> str:
    """Return the output of a command of the service. Raises CalledProcessError, with its output, if it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    out, err = await process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words, out, err)
    return out.decode()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--history", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="irritants-crash-") as home:
        result = asyncio.run(crash(chosen.rounds, chosen.seed, Path(home)))
    if chosen.history and result.history:
        chosen.history.write_text(json.dumps(asdict(result.history), default=sorted), encoding="utf-8")
    print(json.dumps({"seed": chosen.seed, **result.figures()}, indent=2))
    for violation in result.violations:
        print(f"{violation.kind}: {violation.where}")
    for complaint in result.complaints:
        print(complaint)
    return 1 if result.violations or result.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
