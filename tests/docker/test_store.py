"""The store's tests once more, on the public image of PostgreSQL 17 instead of the embedded 18."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from testcontainers.community.postgres import PostgresContainer

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.docker


def test_the_store_does_on_the_public_image_what_it_does_on_the_embedded_server() -> None:
    postgres = PostgresContainer("postgres:17", driver=None)
    postgres.with_command("postgres -c listen_addresses=* -c fsync=off -c max_connections=200")
    postgres.with_tmpfs_mount("/var/lib/postgresql/data")
    with postgres:
        suite = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "auto", "tests/store", "--ignore", "tests/store/test_embedded.py"],
            check=False,
            cwd=ROOT,
            env={**os.environ, "TEST_DATABASE_URL": postgres.get_connection_url()},
            capture_output=True,
            text=True,
        )
    assert suite.returncode == 0, suite.stdout + suite.stderr
