"""The rules between rooms: imports point one way, one room knows SQL, one file reads the environment."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import service
from service.settings import Settings

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "service").rglob("*.py"))

# Each room, and the rooms that it may import besides itself. A new room needs a line here.
FILES = {"reportfile", "source_positions", "readouts"}
READING_AND_WRITING = {"recorder", "follower", "history_cache", "store", "projections", "domain"}
STARTING = {"settings", "resources", "seeding", "reset"}
ROOMS = {
    "domain": set[str](),
    "settings": set[str](),
    "resources": set[str](),
    "source_positions": set[str](),
    "reportfile": {"source_positions", "domain"},
    "readouts": {"domain", "resources"},
    "store": {"domain", "resources"},
    "projections": {"domain"},
    "openings": {"projections", "domain"},
    "checkpoint": set[str](),
    "read_models": {"store", "projections", "domain"},
    "history_cache": {"store", "domain"},
    "recorder": {"history_cache", "read_models", "store", "projections", "domain"},
    "seeding": {"recorder", "reportfile", "store", "domain", "resources"},
    "reset": {"seeding", "store"},
    "follower": {"history_cache", "read_models", "store", "projections", "domain"},
    "api": {*READING_AND_WRITING, *FILES, "settings", "checkpoint", "resources"},
    "web": {"api", *READING_AND_WRITING, "openings", "readouts", "resources"},
    "relay": {"api", "follower", "store", "domain"},
    "client": set[str](),
    "testing": {"client", "settings"},
    "cli": {*READING_AND_WRITING, *FILES, *STARTING, "openings", "read_models", "checkpoint", "api", "web", "relay"},
    "__main__": {"cli"},
}
PURE = {"domain", "projections"}
SQL = {"sqlalchemy", "psycopg", "psycopg_pool", "alembic"}
HANDED_ON = {"sqlalchemy.Connection", "sqlalchemy.Engine"}  # every room may pass these on
THE_ENVIRONMENT = {"environ", "environb", "getenv", "putenv", "dotenv"}
UNASKED = {"now", "utcnow", "today", "time", "monotonic", "uuid1", "uuid4", "uuid7", "random", "getuser"}


def room(module: Path) -> str:
    return module.relative_to(ROOT / "service").parts[0].removesuffix(".py")


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def imported(module: Path) -> Iterator[str]:
    """Yield the full name of every module that this one imports."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports say their full name"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def of_rooms(*rooms: str) -> list[Path]:
    return [module for module in MODULES if room(module) in rooms]


def named(module: Path) -> str:
    return str(module.relative_to(ROOT))


def test_imports_point_one_way() -> None:
    for module in MODULES:
        ours = {name.split(".")[1] for name in imported(module) if name.startswith("service.")}
        assert ours - {room(module)} <= ROOMS.get(room(module), set()), named(module)


def test_every_room_is_on_the_map() -> None:
    rooms = {room(module) for module in MODULES} - {"__init__"}
    assert rooms <= ROOMS.keys()
    assert all(re.search(rf"\b{room}\b", str(service.__doc__)) for room in rooms)


def test_every_file_on_the_map_exists() -> None:
    files = set(re.findall(r"[\w/]+\.(?:py|html)|\w+(?:/\w+)*/(?=[\s,;])", str(service.__doc__)))
    missing = {file for file in files if not (ROOT / "service" / file).exists() and not (ROOT / file).exists()}
    assert len(files) > 25
    assert not missing


def test_every_name_on_the_map_is_in_a_file_of_its_entry() -> None:
    entries = [" ".join(entry.split()) for entry in re.split(r"\n {4,5}(?=\S)", str(service.__doc__))]
    named = [(entry, set(re.findall(r"`(?:\w+\.)?(\w+)`", entry))) for entry in entries]
    assert sum(len(names) for _, names in named) > 25
    for entry, names in named:
        listed = [ROOT / "service" / file for file in re.findall(r"[\w/]+\.(?:py|toml)", entry)]
        paths = [path for path in listed if path.exists()]
        text = "".join(path.read_text(encoding="utf-8") for path in paths)
        missing = {name for name in names if not re.search(rf"\b{name}\b", text)}
        assert not paths or not missing, entry


def test_the_core_imports_only_the_standard_library_and_pydantic() -> None:
    """One exception: a module takes the names of countries from a maintained list."""
    for module in of_rooms(*PURE):
        foreign = {name.split(".")[0] for name in imported(module)} - sys.stdlib_module_names
        names = {"babel"} if module.name == "names.py" else set()
        assert foreign <= {"service", "pydantic", "pydantic_core", "annotated_types", *names}, named(module)


def test_the_core_receives_clock_ids_and_random_numbers_as_arguments() -> None:
    for module in of_rooms(*PURE):
        called = {
            node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            for node in ast.walk(tree(module))
            if isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name))
        }
        assert not called & UNASKED, named(module)


def test_one_room_knows_sql() -> None:
    for module in of_rooms(*ROOMS.keys() - {"store"}):
        assert not {name for name in imported(module) if name.split(".")[0] in SQL} - HANDED_ON, named(module)


def test_one_module_opens_connections() -> None:
    """It sets the session parameters that all code relies on."""
    for module in MODULES:
        opened = {
            f"{ast.unparse(node.func.value)}.{node.func.attr}"
            for node in ast.walk(tree(module))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("connect", "create_engine", "connect_start")
        }
        of_the_driver = {call for call in opened if re.search(r"psycopg|Connection|PGconn|kind|sqlalchemy", call)}
        allowed = {"connections.py": of_the_driver, "engine.py": {"sqlalchemy.create_engine"}}
        assert of_the_driver <= allowed.get(module.name, set()), named(module)


def test_only_the_settings_read_the_environment() -> None:
    for module in of_rooms(*ROOMS.keys() - {"settings"}):
        read = {node.attr for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
        read |= {name.rpartition(".")[2] for name in imported(module)}
        assert not read & THE_ENVIRONMENT, named(module)


def test_one_module_finds_the_files_that_come_with_the_code() -> None:
    """In a wheel, migrations and seeds are inside the package, so a path from `__file__` would be wrong."""
    for module in of_rooms(*ROOMS.keys() - {"resources"}):
        names = {node.id for node in ast.walk(tree(module)) if isinstance(node, ast.Name)}
        assert "__file__" not in names, named(module)
        assert not {name for name in imported(module) if name.startswith(("importlib.resources", "importlib.metadata"))}


def test_every_module_has_a_docstring() -> None:
    for module in MODULES:
        assert ast.get_docstring(tree(module)), named(module)


def test_every_text_file_has_an_encoding() -> None:
    # Python otherwise takes the encoding of the locale. Ruff's PLW1514 misses files that are created elsewhere.
    calls = [
        (f"{named(module)}:{node.lineno}", node)
        for folder in ("service", "tests", "migrations")
        for module in (ROOT / folder).rglob("*.py")
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call)
    ]
    for where, call in calls:
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        modes = [a.value for a in (*call.args, given.get("mode")) if isinstance(a, ast.Constant)]
        is_binary = any(isinstance(mode, str) and re.fullmatch(r"[rwxa]\+?b\+?", mode) for mode in modes)
        is_text = name in ("read_text", "write_text") or (name in ("run", "Popen", "check_output") and "text" in given)
        is_text |= name in ("open", "fdopen") and not is_binary and ast.unparse(call.func) != "os.open"
        is_text |= name in ("TemporaryFile", "NamedTemporaryFile") and bool(modes) and not is_binary
        assert not is_text or "encoding" in given, where


def test_every_setting_is_used() -> None:
    used = {node.attr for module in MODULES for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
    assert not Settings.model_fields.keys() - used
