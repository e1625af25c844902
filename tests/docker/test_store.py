"""The tests of the store on the public image of PostgreSQL 17, as a role with hostile settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from testcontainers.community.postgres import PostgresContainer

ROOT = Path(__file__).parents[2]
TESTS = ("tests/store", "tests/test_recorder.py", "tests/test_rebuild.py")

pytestmark = pytest.mark.docker


def test_the_tests_of_the_store_pass_on_the_public_image_with_hostile_settings() -> None:
    postgres = PostgresContainer("postgres:17", driver=None)
    postgres.with_command("postgres -c listen_addresses=* -c fsync=off -c max_connections=200")
    postgres.with_tmpfs_mount("/var/lib/postgresql/data")
    with postgres:
        suite = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "auto", *TESTS, "--ignore", "tests/store/test_embedded.py"],
            check=False,
            cwd=ROOT,
            env={**os.environ, "TEST_DATABASE_URL": postgres.get_connection_url(), "TEST_HOSTILE": "1"},
            capture_output=True,
            encoding="utf-8",
        )
    assert suite.returncode == 0, suite.stdout + suite.stderr
