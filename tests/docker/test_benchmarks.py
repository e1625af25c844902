"""The database container of a benchmark equals that of docker-compose.yml, and is removed at the end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.databases import container

ROOT = Path(__file__).parents[2]
ENDLESS = """
import time
from tests.benchmarks.databases import run_on_each
run_on_each(None, lambda server: time.sleep(600 if "TCP" in server.name else 0))
"""

pytestmark = pytest.mark.docker


def containers(pid: int) -> list[str]:
    """Return the containers of the benchmarks that a process runs. Others can run at the same time."""
    asked = ["docker", "ps", "--all", "--filter", f"name=irritants-bench-{pid}-", "--format", "{{.Names}}"]
    return subprocess.run(asked, capture_output=True, encoding="utf-8", check=True).stdout.split()


def test_the_database_is_a_durable_postgresql_17_over_tcp_and_is_removed() -> None:
    with container() as server:
        assert len(containers(os.getpid())) == 1
        assert server.name.startswith("PostgreSQL 17.")
        assert server.name.endswith(", TCP, durable")
        assert server.processor_seconds()
        assert server.database()
    assert containers(os.getpid()) == []


def test_a_terminated_benchmark_removes_its_container() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT
    ) as benchmark:
        assert benchmark.stdout is not None
        while "TCP" not in benchmark.stdout.readline():
            pass
        running = containers(benchmark.pid)
        benchmark.send_signal(signal.SIGTERM)
        assert benchmark.wait(60)
    assert len(running) == 1
    assert containers(benchmark.pid) == []
