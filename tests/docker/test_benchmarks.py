"""What a benchmark starts in a container is the database of docker-compose.yml, and is removed again."""

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


def containers() -> list[str]:
    asked = ["docker", "ps", "--all", "--filter", "name=irritants-bench-", "--format", "{{.Names}}"]
    return subprocess.run(asked, capture_output=True, encoding="utf-8", check=True).stdout.split()


def test_it_is_postgresql_17_over_tcp_durable_and_gone_afterwards() -> None:
    before = containers()
    with container() as server:
        assert server.name.startswith("PostgreSQL 17.")
        assert server.name.endswith(", TCP, durable")
        assert server.processor_seconds()
        assert server.database()
    assert containers() == before


def test_a_benchmark_that_is_told_to_end_removes_its_container() -> None:
    before = containers()
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT
    ) as benchmark:
        assert benchmark.stdout is not None
        while "TCP" not in benchmark.stdout.readline():
            pass
        assert len(containers()) == len(before) + 1
        benchmark.send_signal(signal.SIGTERM)
        assert benchmark.wait(60)
    assert containers() == before
