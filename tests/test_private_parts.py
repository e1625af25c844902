"""The undocumented parts of libraries that this service uses.

A library may change such a part in any release. `PARTS` lists each one, with the modules that use it and what they
assume. The tests fail if a release removes or changes a part, or if a part is used and not listed.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from importlib.metadata import packages_distributions, version
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import fastapi
import fastapi.routing
import prometheus_client.exposition
import prometheus_client.registry
import psycopg
import psycopg.errors
import psycopg.pq.abc
import pytest
import starlette.routing
import typer.core
import uvicorn
import uvicorn.middleware.proxy_headers
from pydantic import BaseModel
from testcontainers.core.container import DockerContainer
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

import service

ROOT = Path(__file__).parents[1]
Owner = type | ModuleType
Used = dict[tuple[Owner, str], set[str]]

PROTOCOL = "service.api.protocol"
READ_ROUTES = "service.api.read_routes"
SERVER = "service.api.server"
REPLICA = "service.store.replica"


class Part(NamedTuple):
    """`fingerprint` is of the source: of a function or a class, or of the lines that mention an attribute.

    If it differs, read what the library changed, adapt the modules, and then change the line here.
    """

    owner: Owner
    name: str
    used_in: set[str]
    assumption: str
    fingerprint: str


PARTS = [
    # One connection.
    Part(HttpToolsProtocol, "__init__", {PROTOCOL}, "its arguments are passed on as they come", "b7d20843"),
    Part(
        HttpToolsProtocol,
        "connection_made",
        {PROTOCOL},
        "it sets transport and flow, and starts no timer",
        "b0b0d8e7",
    ),
    Part(
        HttpToolsProtocol,
        "connection_lost",
        {PROTOCOL},
        "it marks an open cycle as disconnected, and drops the parser",
        "e26a08b0",
    ),
    Part(
        HttpToolsProtocol,
        "data_received",
        {PROTOCOL},
        "replaced as a whole: it stops the keep-alive timer, feeds the parser, refuses errors and starts upgrades",
        "a018bc78",
    ),
    Part(
        HttpToolsProtocol, "on_message_begin", {PROTOCOL}, "it makes a new scope, url and list of headers", "5cb418cb"
    ),
    Part(
        HttpToolsProtocol,
        "on_headers_complete",
        {PROTOCOL},
        "it completes the scope, and starts the application or queues the request; nothing before it reads the headers",
        "1abdb879",
    ),
    Part(HttpToolsProtocol, "on_body", {PROTOCOL}, "it adds to the body of the last cycle, and bounds it", "5ecb61fe"),
    Part(
        HttpToolsProtocol,
        "_should_upgrade",
        {PROTOCOL},
        "where it is true the callbacks leave a request that offers an upgrade alone",
        "643e8d60",
    ),
    Part(HttpToolsProtocol, "_unset_keepalive_if_required", {PROTOCOL}, "it stops the keep-alive timer", "478e98a8"),
    Part(HttpToolsProtocol, "timeout_keep_alive_handler", {PROTOCOL}, "it closes the connection", "f64b6272"),
    Part(HttpToolsProtocol, "timeout_keep_alive_task", {PROTOCOL}, "the running keep-alive timer, or None", "3c055df3"),
    Part(
        HttpToolsProtocol,
        "timeout_keep_alive",
        {PROTOCOL},
        "the seconds that an idle connection is kept",
        "a6697ebd",
    ),
    Part(
        HttpToolsProtocol,
        "cycle",
        {PROTOCOL},
        "the last request that came in; None before that",
        "4bad2d59",
    ),
    Part(
        HttpToolsProtocol,
        "pipeline",
        {PROTOCOL},
        "the requests that wait for the answer to an earlier one; empty where `cycle` is being answered",
        "83e28f11",
    ),
    Part(HttpToolsProtocol, "flow", {PROTOCOL}, "the flow control of this connection", "4180f13a"),
    Part(
        HttpToolsProtocol,
        "headers",
        {PROTOCOL},
        "the parser's callbacks append to it; the scope has the list",
        "d8090ab4",
    ),
    Part(HttpToolsProtocol, "url", {PROTOCOL}, "the target of the request, as far as it has arrived", "ace41eff"),
    Part(
        HttpToolsProtocol,
        "scope",
        {PROTOCOL},
        "the ASGI scope of the request that is being read",
        "2dffc54f",
    ),
    Part(HttpToolsProtocol, "parser", {PROTOCOL}, "a parser of httptools, which may be replaced", "da6d2cb6"),
    Part(HttpToolsProtocol, "loop", {PROTOCOL}, "the event loop", "4e0356f6"),
    Part(HttpToolsProtocol, "transport", {PROTOCOL}, "the transport of asyncio", "67372312"),
    Part(HttpToolsProtocol, "server_state", {PROTOCOL}, "what all connections of a server share", "5d0aae94"),
    Part(
        HttpToolsProtocol,
        "expect_100_continue",
        {PROTOCOL},
        "true where the request asks for it; the cycle takes it over in on_headers_complete",
        "372a89d2",
    ),
    # One request and its answer.
    Part(
        RequestResponseCycle,
        "disconnected",
        {PROTOCOL},
        "set with `message_event`, it makes receive() return http.disconnect and send() write nothing",
        "4ae880be",
    ),
    Part(RequestResponseCycle, "message_event", {PROTOCOL}, "receive() waits for it", "59a77707"),
    Part(
        RequestResponseCycle, "keep_alive", {PROTOCOL}, "false where the connection ends with this answer", "064f3b10"
    ),
    Part(RequestResponseCycle, "more_body", {PROTOCOL}, "true until the body has arrived", "203c76b1"),
    Part(
        RequestResponseCycle,
        "response_started",
        {PROTOCOL},
        "true once the head of the answer was written",
        "b91296d8",
    ),
    Part(
        RequestResponseCycle,
        "response_complete",
        {PROTOCOL},
        "true once the answer was written; run_asgi then accepts that the application returns",
        "4edeaf19",
    ),
    Part(
        RequestResponseCycle,
        "on_response",
        {PROTOCOL},
        "called once an answer was written: it counts, starts the next request or the keep-alive timer",
        "f94d96e3",
    ),
    Part(
        FlowControl, "write_paused", {PROTOCOL}, "true while the transport has more to send than it wants", "c0a22b23"
    ),
    Part(FlowControl, "drain", {PROTOCOL}, "it waits until the transport takes more, or the client left", "cc33a537"),
    Part(
        ServerState,
        "default_headers",
        {PROTOCOL},
        "the date, set anew each second; a list of pairs",
        "7a7a5e45",
    ),
    # The server.
    Part(uvicorn.Server, "config", {SERVER}, "the configuration that the server was made with", "3c9d7089"),
    Part(
        uvicorn.Server,
        "startup",
        {SERVER},
        "it starts the lifespan, serves on the sockets, and sets `started`; it exits where the address is taken",
        "51eb6073",
    ),
    Part(
        uvicorn.Server,
        "shutdown",
        {SERVER},
        "it closes the sockets, waits for the requests within the grace period, and ends the lifespan",
        "b43f7a1e",
    ),
    Part(
        uvicorn.Server,
        "handle_exit",
        {SERVER},
        "replaced as a whole: the handler of SIGINT and SIGTERM; a signal that it does not note is not raised again",
        "cf882d62",
    ),
    Part(uvicorn.Server, "started", {SERVER}, "true once connections are taken", "5787b2e4"),
    Part(uvicorn.Server, "servers", {SERVER}, "the servers of asyncio, one for each socket", "80142a5a"),
    Part(
        uvicorn.Server,
        "should_exit",
        {SERVER},
        "set to true, it makes the main loop end within a tenth of a second",
        "e57260a2",
    ),
    Part(uvicorn.Server, "force_exit", {SERVER}, "set to true, it makes the shutdown wait for nobody", "7415f6ce"),
    Part(
        uvicorn.middleware.proxy_headers,
        "ProxyHeadersMiddleware",
        {"service.api.prefix"},
        "called with an application and trusted_hosts, it takes client and scheme from the headers of those proxies",
        "f8cf4052",
    ),
    # Other libraries.
    Part(
        psycopg.Connection,
        "wait",
        {REPLICA},
        "every exchange with the server goes through it; the generator gets 0 where nothing came within 0.1 seconds",
        "04f2f506",
    ),
    Part(
        psycopg.errors,
        "error_from_result",
        {"service.store.log"},
        "the exception of a failed result, by its SQLSTATE or else by the class of it, which `lookup` does not give",
        "124bea53",
    ),
    Part(
        psycopg.pq.abc,
        "PGconn",
        {"service.store.head_listener"},
        "the type of `Connection.pgconn`, in annotations alone",
        "4476e716",
    ),
    Part(
        psycopg.pq.abc,
        "PGresult",
        {"service.store.log", "service.store.head_listener"},
        "the type of a result of `pgconn`, in annotations alone",
        "95b12f77",
    ),
    Part(
        typer.core.TyperCommand,
        "parse_args",
        {"service.cli.commands"},
        "it parses a command line into the params of the context, and returns the rest",
        "ca9ef251",
    ),
    Part(
        typer.core.TyperCommand,
        "make_parser",
        {"service.cli.commands"},
        "a parser, whose parse_args returns as its third value every option as often as it was given",
        "8512a8a2",
    ),
    Part(
        typer.core,
        "TyperOption",
        {"service.cli.commands"},
        "an option of a command, with `opts`, `multiple` and `is_flag`",
        "3c32ba51",
    ),
    Part(
        fastapi.routing.APIRoute,
        "endpoint",
        {"service.api.reports_endpoints"},
        "the function that the route was made of",
        "fb6fc8d1",
    ),
    Part(
        typer.core.TyperGroup,
        "parse_args",
        {"service.cli.commands"},
        "as that of a command; without arguments it prints the help and raises an error",
        "4f0c5d93",
    ),
    Part(
        typer.core.TyperGroup,
        "resolve_command",
        {"service.cli.commands"},
        "it returns the command that the first argument names; it refuses an unknown one",
        "d11c9587",
    ),
    Part(
        typer.core.TyperGroup,
        "invoke",
        {"service.cli.commands"},
        "it calls the command that was named, and raises an error if none was",
        "66ff9640",
    ),
    Part(
        typer.core.TyperGroup,
        "get_command",
        {"service.cli.commands"},
        "the command with a name, None if there is none",
        "cc31ccb9",
    ),
    Part(
        typer.core.TyperGroup,
        "list_commands",
        {"service.cli.commands"},
        "the names of the commands of a group",
        "460e0b7e",
    ),
    Part(
        typer.core,
        "TyperArgument",
        {"service.cli.commands"},
        "an argument of a command, with `name` and `metavar`",
        "1a39055e",
    ),
    Part(
        typer.core,
        "TyperGroup",
        {"service.cli.commands"},
        "the class of groups of commands, which `cls` of a Typer application replaces",
        "31dcbe1d",
    ),
    Part(
        fastapi.routing.APIRoute,
        "__init__",
        {READ_ROUTES},
        "it keeps what the contract says of a route, and `path`",
        "3e333169",
    ),
    Part(
        fastapi.routing.APIRoute,
        "handle",
        {READ_ROUTES},
        "called for a request that the route matches, whose path_params and route are in the scope; it refuses others"
        " than its methods",
        "3044ceab",
    ),
    Part(
        fastapi.routing,
        "iter_route_contexts",
        {"service.api.app"},
        "every route, also of included routers, with `matches` and `methods`",
        "74305fad",
    ),
    Part(starlette.routing, "Match", {"service.api.app"}, "NONE where a route is of another address", "5bfc81aa"),
    Part(
        prometheus_client.exposition,
        "choose_encoder",
        {"service.api.operations"},
        "the format for an Accept header, as a function and its media type",
        "9578acff",
    ),
]

# The documented parts of library classes that this service extends.
DOCUMENTED = {
    uvicorn.Server: {"__init__", "run"},
    uvicorn.Config: {"backlog"},
    fastapi.FastAPI: {
        *("__init__", "__call__", "add_exception_handler", "include_router", "openapi", "openapi_schema"),
        *("routes", "state"),
    },
    fastapi.routing.APIRoute: {"get_route_handler"},
    prometheus_client.registry.Collector: {"__init__", "collect"},
    psycopg.Connection: {"pgconn"},
    DockerContainer: {
        *("__init__", "get_container_host_ip", "get_exposed_port", "start", "stop"),
        *("reload", "status", "get_logs", "with_copy_into_container", "with_env", "with_exposed_ports"),
    },
}
# The modules that the documentation of a library imports from, besides the package itself, and names of other modules.
DOCUMENTED_MODULES = {
    "alembic.config",
    "cryptography.exceptions",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.serialization",
    "fastapi.openapi.utils",
    "markdown_it.token",
    "nats.aio.client",
    "nats.errors",
    "nats.js.api",
    "nats.js.client",
    "nats.js.errors",
    "prometheus_client.core",
    "prometheus_client.registry",
    "psycopg.conninfo",
    "psycopg.errors",
    "psycopg.pq",
    "pydantic.fields",
    "pydantic.json_schema",
    "python_multipart.exceptions",
    "python_multipart.multipart",
    "rapidfuzz.distance",
    "rich.console",
    "rich.markdown",
    "rich.markup",
    "rich.padding",
    "rich.progress",
    "rich.table",
    "rich.text",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.exc",
    "starlette.datastructures",
    "starlette.exceptions",
    "starlette.middleware.cors",
    "starlette.requests",
    "starlette.responses",
    "starlette.routing.BaseRoute",
    "starlette.types",
    "testcontainers.core.container",
}
# The classes of attributes that hold another object of a library.
HELD = {"cycle": RequestResponseCycle, "flow": FlowControl, "server_state": ServerState, "config": uvicorn.Config}


def test_every_private_part_of_a_library_that_is_used_is_listed() -> None:
    used, listed = used_parts(), {(part.owner, part.name): part for part in PARTS}
    for (owner, name), modules in used.items():
        assert (owner, name) in listed, (
            f"{', '.join(sorted(modules))}: {said(owner, name)} is no documented part of its library. Use a documented"
            " one, or list it in PARTS with what you assume of it"
        )
        assert listed[owner, name].used_in == modules, (
            f"PARTS says that {said(owner, name)} is used in {sorted(listed[owner, name].used_in)}, but it is used in"
            f" {sorted(modules)}"
        )
    unused = [said(*key) for key in listed.keys() - used.keys()]
    assert not unused, f"no module uses {', '.join(unused)}, or the library has it no more: remove it from PARTS"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.owner.__name__}.{part.name}")
def test_private_parts_are_as_this_service_assumes(part: Part) -> None:
    source = source_of(part.owner, part.name)
    users = ", ".join(sorted(part.used_in))
    assert source, f"{release(part.owner)} has no {said(*part[:2])}. {users} relied on this: {part.assumption}"
    now = blake2b(source.encode(), digest_size=4).hexdigest()
    assert now == part.fingerprint, (
        f"{release(part.owner)} changed {said(*part[:2])}. {users} relies on this: {part.assumption}. Read the new"
        f" source, adapt our code, and write the fingerprint {now} in PARTS. The new source is:\n{source}"
    )


def test_libraries_with_private_parts_in_use_are_pinned_to_a_minor_release() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *project["optional-dependencies"]["server"]]
    for library in {distribution(part.owner) for part in PARTS}:
        minor = ".".join(version(library).split(".")[:2])
        pin = re.compile(rf"{library}(\[.*\])?=={re.escape(minor)}\.\*")
        assert any(map(pin.fullmatch, requirements)), f"pin {library}=={minor}.* in pyproject.toml: PARTS names it"


def test_no_name_with_an_underscore_is_imported_from_a_library() -> None:
    for module in modules():
        private = [f"{home}.{name}" for home, name in imported(module) if re.search(r"\._(?!_)", f"{home}.{name}")]
        assert not private, f"{module.__name__} imports {private}: use a documented part of the library"


def test_objects_of_a_library_keep_its_attribute_names_in_our_code() -> None:
    """Otherwise `used_parts` would not see which of their parts we read."""
    for module in {sys.modules[our.__module__] for our in extensions()}:
        for node in ast.walk(tree(module)):
            if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and isinstance(node.value, ast.Attribute):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if node.value.attr in HELD:
                    names = {ast.unparse(target) for target in targets}
                    assert names == {node.value.attr}, f"{module.__name__}:{node.lineno}: name it {node.value.attr}"


def used_parts() -> Used:
    """Return each undocumented part of a library with the modules that use it."""
    used: Used = defaultdict(set)
    for our in extensions():
        for owner, name in members_used(our):
            if name not in DOCUMENTED.get(owner, set()):
                used[owner, name].add(our.__module__)
    listed = {part[:2] for part in PARTS}
    implied = {part.owner for part in PARTS}  # a class is not listed beside its members
    for module in modules():
        for home, name in imported(module):
            package = importlib.import_module(home)
            documented = "." not in home or {home, f"{home}.{name}"} & DOCUMENTED_MODULES
            if (package, name) in listed or not (documented or getattr(package, name) in implied):
                used[package, name].add(module.__name__)
    return used


@cache
def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(service.__path__, "service.")
    return [importlib.import_module(module.name) for module in found if module.name != "service.__main__"]


@cache
def tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def is_of_library(module: str) -> bool:
    return module.partition(".")[0] not in {*sys.stdlib_module_names, "service"}


def imported(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield what a module imports from libraries: the module and the name."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and is_of_library(node.module):
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            parted = (alias.name.rpartition(".") for alias in node.names)
            yield from ((home, name) for home, _, name in parted if home and is_of_library(home))


def extensions() -> Iterator[type]:
    """Yield our classes that extend a library class, except models and exceptions, which are made for that."""
    for module in modules():
        for our in vars(module).values():
            is_ours = isinstance(our, type) and our.__module__ == module.__name__
            if is_ours and library_class(our) and not issubclass(our, (BaseModel, BaseException)):
                yield our


def library_class(our: type) -> type | None:
    return next((base for base in our.__mro__ if is_of_library(base.__module__)), None)


def members_used(our: type) -> Iterator[tuple[type, str]]:
    """Yield the members of library classes that our class replaces, reads or sets."""
    library = library_class(our)
    assert library is not None
    members = {name for base in library.__mro__ if is_of_library(base.__module__) for name in members_of(base)}
    module = sys.modules[our.__module__]
    [body] = [node for node in ast.walk(tree(module)) if isinstance(node, ast.ClassDef) and node.name == our.__name__]
    for node in ast.walk(body):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if node in body.body and name in members:
                yield library, name
            case ast.Name(id=name, ctx=ast.Store()) if name in vars(our) and name in members:
                yield library, name
            case ast.Attribute(value=ast.Name(id="self") | ast.Call(func=ast.Name(id="super")), attr=name):
                if name in members:
                    yield library, name
            case ast.Attribute(value=ast.Name(id=held) | ast.Attribute(attr=held), attr=name) if held in HELD:
                yield HELD[held], name


@cache
def members_of(base: type) -> set[str]:
    """Return what a class defines, and what its methods set on `self`."""
    try:
        nodes = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base))))
    except (OSError, TypeError):  # written in C
        return set(vars(base))
    is_set = ast.Attribute
    own = {node.attr for node in nodes if isinstance(node, is_set) and isinstance(node.ctx, ast.Store)}
    return own | set(vars(base)) | set(getattr(base, "__annotations__", ()))


def source_of(owner: Owner, name: str) -> str:
    """Return the source of a function or a class, or the lines of a module that mention an attribute."""
    part = inspect.getattr_static(owner, name, None)
    if inspect.isfunction(part) or (isinstance(part, type) and isinstance(owner, ModuleType)):
        return inspect.getsource(part)
    home = sys.modules[owner.__module__] if isinstance(owner, type) else owner
    mentions = re.compile(rf"\.{re.escape(name)}\b")
    return "\n".join(line.strip() for line in inspect.getsource(home).splitlines() if mentions.search(line))


def said(owner: Owner, name: str) -> str:
    return f"{owner.__module__}.{owner.__name__}.{name}" if isinstance(owner, type) else f"{owner.__name__}.{name}"


def distribution(owner: Owner) -> str:
    package = (owner.__module__ if isinstance(owner, type) else owner.__name__).partition(".")[0]
    return packages_distributions()[package][0].replace("_", "-")


def release(owner: Owner) -> str:
    library = distribution(owner)
    return f"{library} {version(library)}"
