"""Public linters for the contract and the pages: npm packages, which `make linters` installs.

Without them their tests are skipped, unless PROGRAMS_REQUIRED is set, as in .ci/run.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.needed import need, program

CONFIG: Final = Path(__file__).parent / "contract"
INSTALLED: Final = Path(sys.prefix) / "node"
QUIET: Final = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def lint(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a linter by its npm name. Skip the test if the linters of this release are not installed."""
    need(_is_current(), "the linters are not installed: run `make linters`")
    return _run(INSTALLED / "node_modules" / ".bin" / program, *arguments)


def lint_in_java(jar: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a linter that npm has as an archive for Java. Skips the test as `lint` does, and without a Java too."""
    need(_is_current(), "the linters are not installed: run `make linters`")
    return _run(program("java", "default-jre-headless"), "-jar", INSTALLED / "node_modules" / jar, *arguments)


def _is_current() -> bool:
    installed = INSTALLED / ".installed"
    return installed.exists() and installed.read_text(encoding="utf-8") == (CONFIG / "package.json").read_text(
        encoding="utf-8"
    )


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", env={**os.environ, **QUIET}, timeout=300, check=False
    )
