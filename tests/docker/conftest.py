"""These tests need a container engine, and are skipped with a message without one. Concurrent runs do not interfere."""

import os
import shutil
import subprocess

import pytest

# The engine's own cleanup container would be one more image to pull, and every test removes what it starts.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    if shutil.which("docker") is None:
        pytest.skip("no container engine: there is no `docker` here")
    asked = subprocess.run(["docker", "version"], check=False, capture_output=True, encoding="utf-8", timeout=30)
    if asked.returncode:
        pytest.skip(f"no container engine answers: {asked.stderr.strip()}")
