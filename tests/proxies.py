"""A real proxy, nginx or HAProxy, that serves the service below a path prefix, and strips the prefix or not."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2

from tests import needed
from tests.api.serving import Served

PREFIX: Final = "/irritants"
_NGINX = """\
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = {prefix} {{ return 308 {prefix}/; }}
    location {prefix}/ {{
      proxy_pass http://{server}{target};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Prefix {header};
      proxy_buffering off;
    }}
    location / {{ return 421; }}
  }}
}}
"""
_HAPROXY = """\
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend below
  bind 127.0.0.1:{port}
  http-request return status 421 unless {{ path {prefix} }} || {{ path_beg {prefix}/ }}
  http-request set-header X-Forwarded-For %[src]
  http-request del-header X-Forwarded-Proto
  http-request del-header X-Forwarded-Prefix
  {header}
  {strip}
  default_backend record
backend record
  server one {server}
"""


@contextmanager
def below(program: str, server: Served, folder: Path, *, strips: bool, says: bool) -> Iterator[str]:
    """Yield the address of the service below `PREFIX`. With `says`, the proxy sends X-Forwarded-Prefix."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    write: Callable[..., list[str]] = _nginx if program == "nginx" else _haproxy
    command = write(folder, port, "{}:{}".format(*server.address), strips=strips, says=says)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _await(f"http://127.0.0.1:{port}{PREFIX}/healthz", process)
        yield f"http://127.0.0.1:{port}{PREFIX}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _nginx(folder: Path, port: int, server: str, *, strips: bool, says: bool) -> list[str]:
    filled = _NGINX.format(
        folder=folder,
        port=port,
        prefix=PREFIX,
        server=server,
        target="/" if strips else "",
        header=PREFIX if says else '""',
    )
    (folder / "nginx.conf").write_text(filled, encoding="utf-8")
    return [needed.program("nginx", "nginx-light"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


def _haproxy(folder: Path, port: int, server: str, *, strips: bool, says: bool) -> list[str]:
    filled = _HAPROXY.format(
        port=port,
        prefix=PREFIX,
        server=server,
        strip=f"http-request replace-path {PREFIX}(/.*)? \\1" if strips else "",
        header=f"http-request set-header X-Forwarded-Prefix {PREFIX}" if says else "",
    )
    (folder / "haproxy.cfg").write_text(filled, encoding="utf-8")
    return [needed.program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


def _await(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError((process.stderr.read() if process.stderr else b"").decode())
        try:
            if httpx2.get(address).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError(address)
