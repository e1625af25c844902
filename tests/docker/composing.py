"""A Compose project as an operator starts it, with its own name and ports, and ways to inspect it."""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2

ROOT = Path(__file__).parents[2]
PATIENCE = 120
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Composed:
    """A project. `entrance` is the container that gets requests. `profile` starts further services."""

    entrance: str = "service"
    profile: str = ""
    project: str = field(default_factory=lambda: f"irritants-test-{uuid.uuid4().hex[:8]}")

    def attempt(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "compose", "--ansi", "never", "--project-name", self.project, *arguments],
            check=False,
            cwd=ROOT,
            env={**os.environ, "COMPOSE_PROFILES": self.profile, "IRRITANTS_PORT": "0", "PROXY_PORT": "0"},
            capture_output=True,
            input=stdin,
            encoding="utf-8",
        )

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        done = self.attempt(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def address(self) -> str:
        return f"http://{self.run('port', self.entrance, '8000').strip()}"

    def irritants(self) -> list[dict[str, Any]]:
        answer = httpx2.get(f"{self.address()}/v1/irritants", timeout=5)
        answer.raise_for_status()
        return list(answer.json()["items"])

    def key(self, name: str) -> str:
        return self.run("exec", "-T", "service", "irritants", "key", "create", name, "--scope", "report").strip()

    def inspected(self, service: str) -> dict[str, Any]:
        container = self.run("ps", "--quiet", service).strip()
        told = subprocess.run(["docker", "inspect", container], check=True, capture_output=True, encoding="utf-8")
        return dict(json.loads(told.stdout)[0])

    def first_process(self, service: str) -> dict[str, str]:
        """Return what the kernel reports of the first process of a container."""
        told = self.run("exec", "-T", service, "cat", "/proc/1/status")
        return {name: value.strip() for name, _, value in (line.partition(":") for line in told.splitlines())}

    def health(self, service: str) -> str:
        return str(self.inspected(service)["State"]["Health"]["Status"])


def polled(ask: Callable[[], Answer], expected: Answer) -> Answer:
    """Ask until the answer is as expected or patience ends. Return the last answer."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if (answer := ask()) == expected or time.monotonic() > deadline:
                return answer
        except httpx2.HTTPError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


@contextmanager
def up(composed: Composed) -> Iterator[Composed]:
    """Start the project until Compose reports it as healthy, and remove it at the end."""
    try:
        composed.run("up", "--build", "--wait")
        yield composed
    except httpx2.HTTPError as failed:
        failed.add_note(composed.run("logs", "--tail", "100"))
        raise
    finally:
        composed.run("down", "--volumes", "--rmi", "local", "--timeout", "10")
