"""Polls, appends and the live stream behind common proxies, each with compression on."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests import needed
from tests.api.bodies import said
from tests.api.serving import Served, served
from tests.conftest import Clone
from tests.keys import new_key

SMALL: Final = "/v1/irritants/ru-us/direct-flights"
"""Too small for the service to compress, but proxies compress it."""
LARGE: Final = "/v1/rounds/ru-us/istanbul-april"
EVENTS: Final = {SMALL: said("ConcernRaised"), LARGE: said("RoundCharacterised")}
MODULES: Final = Path("/usr/lib/apache2/modules")

NGINX: Final = """
daemon off; pid {folder}/pid; error_log {folder}/log; {user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    gzip on; gzip_types *; gzip_min_length 20; gzip_proxied any;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass {service}; {more} }}
    }}
}}
"""
APACHE: Final = """
ServerRoot {folder}
ServerName proxy
PidFile {folder}/pid
ErrorLog {folder}/log
DefaultRuntimeDir {folder}
Listen 127.0.0.1:{port}
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule filter_module {modules}/mod_filter.so
LoadModule deflate_module {modules}/mod_deflate.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
SetOutputFilter DEFLATE
ProxyPass / {service}/
{more}
"""
HAPROXY: Final = """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend all
    bind 127.0.0.1:{port}
    compression algo gzip
    compression type application/json text/html
    {more}
    default_backend service
backend service
    server service {service_address}
"""


@dataclass(frozen=True)
class Proxy:
    """A proxy in front of the service. `more` is configuration that differs from its defaults."""

    program: str
    command: tuple[str, ...]
    configuration: str
    more: str = ""


PROXIES: Final = {
    "nginx": Proxy("nginx", ("-c", "{file}"), NGINX),
    "nginx that compresses itself": Proxy("nginx", ("-c", "{file}"), NGINX, 'proxy_set_header Accept-Encoding "";'),
    "nginx with HTTP/1.1": Proxy("nginx", ("-c", "{file}"), NGINX, "proxy_http_version 1.1;"),
    "Apache": Proxy("apache2", ("-D", "FOREGROUND", "-f", "{file}"), APACHE),
    "HAProxy": Proxy("haproxy", ("-db", "-f", "{file}"), HAPROXY),
    "HAProxy that compresses itself": Proxy("haproxy", ("-db", "-f", "{file}"), HAPROXY, "compression offload"),
}

AS_ROOT: Final = {"nginx": "user root;", "apache2": "User www-data\nGroup www-data"}


@pytest.fixture(scope="module")
def service(clone: Clone, seeded_template: str) -> Iterator[tuple[Served, str]]:
    with clone(seeded_template) as url, served(url) as server:
        yield server, new_key(url)


@pytest.fixture(scope="module", params=PROXIES)
def client(
    request: pytest.FixtureRequest, service: tuple[Served, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx2.Client]:
    """Yield a client that goes through the proxy, with a key that may report."""
    server, key = service
    with proxied(PROXIES[request.param], server, tmp_path_factory.mktemp("proxy")) as address:
        headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "gzip"}
        with httpx2.Client(base_url=address, headers=headers, timeout=30) as client:
            yield client


@contextmanager
def proxied(proxy: Proxy, server: Served, folder: Path) -> Iterator[str]:
    """Run the proxy in its own process on a free port, and yield its address."""
    program = needed.program(proxy.program)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    named = {"folder": folder, "port": port, "modules": MODULES, "more": proxy.more}
    user = AS_ROOT.get(proxy.program, "") if os.geteuid() == 0 else ""
    host = "{}:{}".format(*server.address)
    file = folder / "configuration"
    file.write_text(
        proxy.configuration.format(service=server.url, service_address=host, user=user, **named), encoding="utf-8"
    )
    command = [program, *(part.format(file=file) for part in proxy.command)]
    with (folder / "output").open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            wait_until_it_listens(process, port, folder / "output")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, output: Path) -> None:
    for _ in range(500):
        assert process.poll() is None, output.read_text(encoding="utf-8")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("the proxy does not listen after ten seconds")


def appended(client: httpx2.Client, path: str, tag: str) -> httpx2.Response:
    headers = {"If-Match": tag, "Idempotency-Key": f"{path} {time.monotonic_ns()}"}
    return client.post(f"{path}/events", json=EVENTS[path], headers=headers)


@pytest.mark.parametrize("path", [SMALL, LARGE, "/openapi.json", "/problems/stale", "/"])
@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_an_unchanged_document_is_answered_304_with_the_tag_that_the_client_has(
    client: httpx2.Client, path: str, coding: str
) -> None:
    whole = client.get(path, headers={"Accept-Encoding": coding})
    tag = whole.headers["etag"]
    assert (whole.status_code, whole.headers.get("content-encoding", "identity")) == (200, coding)
    again = client.get(path, headers={"Accept-Encoding": coding, "If-None-Match": tag})
    assert (again.status_code, again.headers["etag"]) == (304, tag)


@pytest.mark.parametrize("path", EVENTS)
@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_an_event_is_appended_to_the_state_that_came_through_the_proxy(
    client: httpx2.Client, path: str, coding: str
) -> None:
    tag = client.get(path, headers={"Accept-Encoding": coding}).headers["etag"]
    assert appended(client, path, tag).status_code == 201
    assert client.get(path, headers={"Accept-Encoding": coding, "If-None-Match": tag}).status_code == 200
    late = appended(client, path, tag)
    assert late.status_code == 412
    assert "has changed since position" in late.json()["detail"]


def test_a_live_event_comes_through_the_proxy_at_once(client: httpx2.Client) -> None:
    tag = client.get(SMALL).headers["etag"]
    with client.stream("GET", "/v1/events/live", headers={"Last-Event-ID": ""}, timeout=10) as stream:
        lines = stream.iter_lines()
        assert [next(lines).partition(":")[0], next(lines)] == ["id", "retry: 1000"]
        position = appended(client, SMALL, tag).json()["position"]
        assert f"id: {position}" in lines
