"""Commands and the server in other environments: locales other than UTF-8, service links of a pod, forced colour.

Each program starts in a new interpreter, because the locale is read when an interpreter starts.
"""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tests.cli.conftest import Desk
from tests.cli.test_filing import THIRD_ROUND
from tests.cli.test_terminal import ESCAPES
from tests.web.test_pages import PAGES

CYRILLIC = "Визы выдаются за шестьдесят дней"
TYPO = "Ошибка\N{CYRILLIC SMALL LETTER HA}"
"""The second byte of its last letter is a line break in ISO 8859-1."""
REPORT = THIRD_ROUND.replace("Visas are to take sixty days.", CYRILLIC)
COMMAND = [sys.executable, "-m", "service"]
UTF_8 = {"LC_ALL": "C.UTF-8"}
NO_UTF_8_MODE = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
FORCED = [
    {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "TTY_COMPATIBLE": "1", "GITHUB_ACTIONS": "true", "PY_COLORS": "1"},
    {"FORCE_COLOR": "1", "COLUMNS": "40", "TERM": "xterm-256color", "PYTHONIOENCODING": "latin-1"},
    {"NO_COLOR": "1", "COLUMNS": "0", "TERM": "dumb", "PYTHONIOENCODING": "ascii:strict"},
]
LINKS = {
    "IRRITANTS_SERVICE_HOST": "10.0.0.1",
    "IRRITANTS_SERVICE_PORT": "8000",
    "IRRITANTS_SERVICE_PORT_HTTP": "8000",
    "IRRITANTS_PORT": "tcp://10.0.0.1:8000",
    "IRRITANTS_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "IRRITANTS_PORT_8000_TCP_PROTO": "tcp",
    "IRRITANTS_PORT_8000_TCP_PORT": "8000",
    "IRRITANTS_PORT_8000_TCP_ADDR": "10.0.0.1",
}


@pytest.fixture(scope="session")
def german(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return the environment of an ISO 8859-1 locale, which is generated for this run."""
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/de_DE").exists():
        pytest.skip("no locale can be made here: Debian's package `locales` is not installed")
    folder = tmp_path_factory.mktemp("locales")
    subprocess.run(
        ["localedef", "--no-archive", "-i", "de_DE", "-f", "ISO-8859-1", folder / "de_DE.ISO-8859-1"], check=True
    )
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.ISO-8859-1", **NO_UTF_8_MODE}


@pytest.fixture(params=["POSIX", "ISO 8859-1"])
def locale(request: pytest.FixtureRequest) -> Mapping[str, str]:
    if request.param == "POSIX":
        return {"LC_ALL": "POSIX", **NO_UTF_8_MODE}
    german: Mapping[str, str] = request.getfixturevalue("german")
    return german


def environment(*more: Mapping[str, str]) -> dict[str, str]:
    ours = {n: v for n, v in os.environ.items() if n not in ("LANG", "LANGUAGE", "COLUMNS", "PYTHONIOENCODING")}
    return ours | {name: value for others in more for name, value in others.items()}


def ran(
    *arguments: str | Path, under: Mapping[str, str] = UTF_8, stdin: bytes = b"", code: int = 0
) -> "subprocess.CompletedProcess[bytes]":
    """Run a command in a new interpreter with a pipe. Arguments and output are bytes, as the kernel passes them."""
    command = [os.fsencode(part) for part in (*COMMAND, *arguments)]
    done = subprocess.run(command, env=environment(under), input=stdin, capture_output=True, check=False)
    assert done.returncode == code, done.stderr.decode(errors="replace")
    return done


BATCH = """
import sys
from service.cli.main import main
for command in sys.argv[1:]:
    try:
        main(command.split())
    except SystemExit as ended:
        assert not ended.code, command
"""


def batch(
    *commands: str, under: Mapping[str, str] = UTF_8, options: Sequence[str] = ()
) -> "subprocess.CompletedProcess[bytes]":
    """Run several commands in one interpreter, because its start takes longer than most commands."""
    arguments = [sys.executable, *options, "-c", BATCH, *commands]
    done = subprocess.run(arguments, env=environment(under), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done


def on_a_terminal(*arguments: str, under: Mapping[str, str]) -> bytes:
    """Return all bytes that a command writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, *arguments], env=environment(under), stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = b"".join(_chunks(ours))
        os.close(ours)
    assert process.returncode == 0, written
    return written.replace(b"\r\n", b"\n")


def _chunks(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # the command has ended
            return
        yield chunk


@contextmanager
def serving(database_url: str, under: Mapping[str, str]) -> Iterator[str]:
    command = [*COMMAND, "serve", "--port", "0", "--json", "--database", database_url]
    with subprocess.Popen(command, env=environment(under), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["address"]
        finally:
            process.kill()


@pytest.fixture
def filed(desk: Desk) -> Desk:
    desk.done("report", desk.write("third.yaml", REPORT))
    return desk


def test_a_server_sends_the_same_bytes_under_every_locale(filed: Desk, locale: Mapping[str, str]) -> None:
    api = [f"/v1/irritants/ru-us/visas{of}" for of in ("", "/dossier", "/evidence")]
    with serving(filed.database_url, UTF_8) as url, serving(filed.database_url, locale) as other:
        for path in [*PAGES[::5], *api, "/v1/relations/ru-us/board", "/v1/rounds/ru-us/moscow-in-july/sheet", "/docs"]:
            expected, found = (httpx.get(f"{address}{path}", timeout=60).content for address in (url, other))
            assert found.replace(other.encode(), url.encode()) == expected, path
        assert CYRILLIC in httpx.get(f"{other}/irritants/ru-us/visas", timeout=60).text


DATA = [
    "history ru-us/visas --json",
    "dossier ru-us/visas --json",
    "assertions ru-us/visas --json",
    "board --csv",
    "ledger --csv",
    "calendar",
    "sheet ru-us/moscow-in-july --markdown",
    "report --template ru-us/moscow-in-july",
    "changes --json",
]
TABLES = ["history ru-us/visas", "dossier ru-us/visas", "sheet ru-us/moscow-in-july", "status", "matrix"]


def test_a_pipe_gets_the_same_utf_8_under_every_locale(filed: Desk, locale: Mapping[str, str]) -> None:
    commands = [*DATA, *TABLES, f"export - --database {filed.database_url}"]
    found, expected = batch(*commands, under=locale).stdout, batch(*commands).stdout
    assert found == expected
    assert found.decode().count(CYRILLIC) > len(commands) / 2


def test_json_on_a_terminal_is_utf_8_under_every_locale(filed: Desk, locale: Mapping[str, str]) -> None:
    shown = on_a_terminal("history", "ru-us/visas", "--json", under=locale)
    assert CYRILLIC in shown.decode()
    assert json.loads(shown) == json.loads(ran("history", "ru-us/visas", "--json").stdout)


def test_a_terminal_without_a_character_shows_another_of_the_same_width(filed: Desk, locale: Mapping[str, str]) -> None:
    shown = on_a_terminal("history", "ru-us/visas", under={**locale, "COLUMNS": "100"})
    assert not re.search(rb"[\x80-\x9f\xc0-\xff]", shown)
    plain = ESCAPES.sub("", shown.decode("latin-1"))
    assert re.sub(r"\w", "?", CYRILLIC) in plain
    assert re.search(r"> # \w+  \* \w+  o \w+", plain), plain


def test_a_report_and_its_file_may_be_named_in_any_script(
    desk: Desk, tmp_path: Path, locale: Mapping[str, str]
) -> None:
    file = desk.write("Отчёт.yaml", REPORT)
    ran("report", file, under=locale)
    assert CYRILLIC in desk.done("history", "ru-us/visas")
    template, same = tmp_path / "Черновик.yaml", tmp_path / "of UTF-8" / "Черновик.yaml"
    same.parent.mkdir()
    ran("report", "--template", "ru-us/moscow-next", template, under=locale)
    ran("report", "--template", "ru-us/moscow-next", same)
    assert template.read_text(encoding="utf-8") == same.read_text(encoding="utf-8").replace(str(same), str(template))
    mistaken = ran("report", template, under=locale, code=1)
    assert f"{template}:" in mistaken.stderr.decode()
    ran("export", tmp_path / "Архив.jsonl", "--database", desk.database_url, under=locale)
    assert CYRILLIC.encode() in (tmp_path / "Архив.jsonl").read_bytes()


def test_a_report_on_standard_input_is_utf_8_under_every_locale(desk: Desk, locale: Mapping[str, str]) -> None:
    ran("report", "-", under=locale, stdin=REPORT.encode())
    assert CYRILLIC in desk.done("history", "ru-us/visas")


def test_arguments_are_utf_8_under_every_locale(desk: Desk, locale: Mapping[str, str]) -> None:
    ran("retract", "ru-us/visas@3", "--reason", TYPO, under=locale)
    assert TYPO in desk.done("history", "ru-us/visas")
    made = ran("key", "create", "Анна", "--scope", "read", "--database", desk.database_url, "--json", under=locale)
    assert json.loads(made.stdout)["name"] == "Анна"


def test_an_argument_in_the_encoding_of_the_locale_is_decoded(desk: Desk, german: Mapping[str, str]) -> None:
    command = [os.fsencode(part) for part in (*COMMAND, "retract", "ru-us/visas@3", "--reason")]
    subprocess.run([*command, "Übersehen".encode("latin-1")], env=environment(german), check=True, capture_output=True)
    assert "Übersehen" in desk.done("history", "ru-us/visas")


def test_an_argument_that_cannot_be_decoded_is_refused(desk: Desk) -> None:
    command = [os.fsencode(part) for part in (*COMMAND, "retract", "ru-us/visas@3", "--reason")]
    refused = subprocess.run([*command, b"\xdcbersehen"], env=environment(UTF_8), check=False, capture_output=True)
    assert refused.returncode == 2
    assert b"is not UTF-8" in refused.stderr
    assert b"Traceback" not in refused.stderr


def test_an_error_shows_a_file_name_that_cannot_be_decoded(reader: Desk) -> None:
    command = [os.fsencode(part) for part in (*COMMAND, "report")]
    for more in ([], [b"--json"]):
        arguments = [*command, b"\xdcbersicht.yaml", *more]
        refused = subprocess.run(arguments, env=environment(UTF_8), check=False, capture_output=True)
        assert refused.returncode == 2
        assert b"\\udcdcbersicht.yaml cannot be read" in refused.stderr
        assert not more or "bersicht.yaml cannot be read" in json.loads(refused.stdout)["error"]


def test_the_folder_of_the_embedded_database_may_have_any_name(tmp_path: Path, locale: Mapping[str, str]) -> None:
    home, sockets = tmp_path / TYPO, Path(f"/tmp/{TYPO}-{os.getpid()}")
    sockets.mkdir(exist_ok=True)
    sockets.chmod(0o777)
    try:
        given = {"IRRITANTS_HOME": str(home), "TMPDIR": str(sockets)}
        ran("migrate", under={**locale, **given})
        made = ran("key", "create", "Анна", "--scope", "read", "--json", under={**locale, **given})
        listed = json.loads(ran("key", "list", "--json", under={**locale, **given}).stdout)["items"]
    finally:
        shutil.rmtree(sockets)
    assert [key["id"] for key in listed] == [json.loads(made.stdout)["id"]]


def test_commands_and_the_server_always_name_an_encoding(filed: Desk, tmp_path: Path) -> None:
    ours = ["-X", "warn_default_encoding", "-W", "error::EncodingWarning"]
    database = f"--database {filed.database_url}"
    commands = [
        *DATA,
        *TABLES,
        f"verify --documents {database}",
        f"rebuild {database}",
        f"migrate {database}",
        f"export {tmp_path}/export.jsonl {database}",
        f"checkpoint {tmp_path}/checkpoint.json {database}",
        f"verify --checkpoint {tmp_path}/checkpoint.json {database}",
        f"key list {database}",
        "openapi",
        "openapi --reports",
        f"report --template ru-us/moscow-next {tmp_path}/template.yaml",
        "retract ru-us/visas@3 --reason Slip",
        "correct ru-us/visas@2 --set occurred=2025-04-11 --reason Slip --dry-run",
    ]
    given = {"IRRITANTS_CHECKPOINT_KEY": str(tmp_path / "checkpoint.key")}
    batch(*commands, under={**UTF_8, **given}, options=ours)
    # A first start, which creates, migrates and seeds the embedded database.
    command = [sys.executable, *ours, "-m", "service", "serve", "--port", "0", "--json"]
    home = {"IRRITANTS_HOME": str(tmp_path / "home")}
    with subprocess.Popen(command, env=environment(UTF_8, home), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        assert {httpx.get(f"{address}{path}", timeout=60).status_code for path in PAGES} == {200}
        process.terminate()
    assert process.returncode == 0


def test_output_to_a_file_does_not_depend_on_terminal_settings(reader: Desk) -> None:
    commands = ["status", "history ru-us/banking-access", "sheet ru-us/istanbul-april", "dossier ru-us/visas"]
    commands.append(f"verify --documents --database {reader.database_url}")
    plain = batch(*commands)
    for forced in FORCED:
        found = batch(*commands, under={**UTF_8, **forced})
        assert (found.stdout, found.stderr) == (plain.stdout, plain.stderr), forced


def test_help_in_a_pipe_has_the_same_layout_with_forced_colour() -> None:
    coloured = ran("key", "create", "--help", under={**UTF_8, "FORCE_COLOR": "1"}).stdout.decode()
    assert ESCAPES.sub("", coloured) == ran("key", "create", "--help").stdout.decode()


def test_output_is_shown_on_a_terminal_that_reports_zero_columns(reader: Desk) -> None:
    shown = on_a_terminal("status", "ru-us/visas", under={**UTF_8, "COLUMNS": "0"})
    assert "Visas for diplomats" in shown.decode()


def test_a_key_is_never_broken_over_two_lines(desk: Desk) -> None:
    arguments = ("key", "create", "anna", "--scope", "read", "--database", desk.database_url)
    for columns in ("10", "59", "80"):
        shown = on_a_terminal(*arguments, under={**UTF_8, "COLUMNS": columns}).decode()
        assert re.search(r"^irr_[0-9a-f]{12}_[\w-]{43}$", shown, re.MULTILINE), shown


def test_the_first_key_of_a_record_is_never_broken_over_two_lines(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    settings = {"IRRITANTS_HOME": str(tmp_path / "home"), "COLUMNS": "20"}
    command = [*COMMAND, "serve", "--port", "0", "--no-seed"]
    with subprocess.Popen(command, env=environment(UTF_8, settings), stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while b"Ctrl-C" not in shown:
            shown += os.read(ours, 65_536)
        process.terminate()
        os.close(ours)
    assert re.search(rb"^export IRRITANTS_KEY=irr_[0-9a-f]{12}_[\w-]{43}\r$", shown, re.MULTILINE), shown


def test_commands_work_with_the_service_links_of_a_pod_and_warn_once(reader: Desk) -> None:
    for arguments in (["status", "--json"], ["key", "list", "--json", "--database", reader.database_url]):
        done = ran(*arguments, under={**UTF_8, **LINKS})
        assert json.loads(done.stdout)
        (warning,) = done.stderr.decode().splitlines()
        assert warning.startswith(
            "irritants: ignoring variables that Kubernetes or Docker sets for a service: IRRITANTS_PORT, "
        )
        assert "enableServiceLinks: false" in warning


def test_a_server_starts_with_the_service_links_of_a_pod(database_url: str) -> None:
    with serving(database_url, {**UTF_8, **LINKS}) as url:
        assert httpx.get(f"{url}/readyz").status_code == 200


def test_completion_prints_no_warning_about_service_links() -> None:
    completing: dict[str, Any] = {
        "_IRRITANTS_COMPLETE": "complete_bash",
        "COMP_WORDS": "irritants sta",
        "COMP_CWORD": "1",
    }
    code = "from service.cli.main import app; app(prog_name='irritants')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(UTF_8, LINKS, completing), capture_output=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == ([b"status"], b"")
