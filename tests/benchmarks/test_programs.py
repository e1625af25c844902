"""Missing programs are reported before the first benchmark."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_program_that_is_missing_is_named_before_the_first_benchmark(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks"],
        check=False,
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("not installed: wrk")
    assert "apt-get install wrk" in done.stderr
