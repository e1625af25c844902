"""The client behind faulty proxies: each answer is used, retried, or raised as a named exception."""

import gzip
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx2
import pytest

from service.client import Irritants, IrritantsError, OtherHistory, Problem, Unavailable, UnexpectedAnswer
from tests.api.serving import Served, until
from tests.clients.conftest import BANKING, file
from tests.clients.misbehaving import Behaviour, answer, dripping, misbehaving, reset_after, silent

NGINX, APACHE = shutil.which("nginx"), shutil.which("apache2")
SIGN_IN = b"<!DOCTYPE html><title>Sign in</title>"
OUTAGE = json.dumps({"type": "/problems/overloaded", "title": "Overloaded", "detail": "Too many at once."}).encode()
EMPTY_PAGE = json.dumps({"items": [], "next": 0, "log": "0-x"}).encode()


@pytest.fixture(scope="module")
def body(shared_server: Served) -> bytes:
    """Return a status as the service sends it."""
    return httpx2.get(f"{shared_server.url}/v1/irritants/{BANKING}").content


@pytest.fixture
def good(body: bytes) -> bytes:
    return answer(body, ETag='"7-1-application/json"')


class Slept(Exception):
    """Raised after the number of pauses that the test wants."""


def pauses_of(url: str, most: int, ask: Callable[[Irritants], object], patience: float = 60) -> list[float]:
    """Return the pauses of a client, up to `most`, without waiting."""
    made: list[float] = []

    def pause(seconds: float) -> None:
        made.append(seconds)
        if len(made) == most:
            raise Slept

    with Irritants(url, patience=patience, pause=pause) as irritants, pytest.raises(Slept):
        ask(irritants)
    return made


def cut(whole: bytes) -> bytes:
    return whole[:-20]


def chunked(body: bytes, end: bytes) -> bytes:
    head = answer(Transfer_Encoding="chunked").replace(b"Content-Length: 0\r\n", b"")
    return head + b"%x\r\n%b\r\n" % (len(body), body) + end


def transient(good: bytes, body: bytes) -> dict[str, Behaviour]:
    return {
        "429": answer(OUTAGE, 429, "application/problem+json", Retry_After="0"),
        "502 in HTML": answer(b"<html>502 Bad Gateway", 502, "text/html"),
        "503": answer(OUTAGE, 503, "application/problem+json"),
        "503 that is cut off": cut(answer(OUTAGE, 503, "application/problem+json")),
        "504": answer(b"", 504, None),
        "cut off": cut(good),
        "cut off, of no length": cut(good.replace(b"Content-Length", b"X-Length")),
        "cut off in chunks": chunked(body, b""),
        "half JSON": answer(body[:-20]),
        "no UTF-8": answer(b'{"title": "\xff"}'),
        "empty": answer(b""),
        "cut off in gzip": answer(gzip.compress(body)[:40], Content_Encoding="gzip"),
        "no gzip": answer(body, Content_Encoding="gzip"),
        "reset within the body": reset_after(good[:-20]),
        "reset within the head": reset_after(good[:30]),
        "reset at once": reset_after(b""),
        "closed at once": b"",
        "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    }


TRANSIENT = transient(b"", b"")


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_temporary_fault_is_retried_after_a_pause(name: str, good: bytes, body: bytes) -> None:
    made: list[float] = []
    with misbehaving(transient(good, body)[name], good) as server, Irritants(server.url, pause=made.append) as asked:
        assert asked.status(BANKING).status == "formalised"
    assert (len(server.heads), made) == (2, [0.1])


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_lasting_fault_is_raised_when_patience_ends(name: str, good: bytes, body: bytes) -> None:
    began = time.monotonic()
    with misbehaving(transient(good, body)[name]) as server, Irritants(server.url, patience=0.3) as irritants:
        with pytest.raises(Unavailable, match=r"gave no answer within 0\.3 seconds"):
            irritants.status(BANKING)
        assert len(server.heads) == 2
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("ask", ["status", "wait"])
@pytest.mark.parametrize("name", ["silent", "dripping"])
def test_patience_bounds_the_time_of_a_single_request(name: str, ask: str, good: bytes, body: bytes) -> None:
    endless = silent if name == "silent" else dripping(answer(Content_Length="1000000"))
    first = [good] if ask == "wait" else []
    with misbehaving(*first, endless) as server, Irritants(server.url, patience=0.5) as irritants:
        if ask == "wait":
            irritants.status(BANKING)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            irritants.status(BANKING) if ask == "status" else irritants.wait(BANKING, seconds=1)
        assert time.monotonic() - began < 4


def test_pauses_grow_with_repeated_refusals() -> None:
    with misbehaving(answer(OUTAGE, 503, "application/problem+json", Retry_After="0")) as server:
        assert pauses_of(server.url, 7, lambda irritants: irritants.status(BANKING)) == [0.1, 0.5, 1, 2, 5, 5, 5]


def at(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    "value", ["", " ", "-5", "soon", "nan", "inf", "1e9", "0x10", "٣", "0", "Mon, 99 Foo 2026", ","]
)
def test_an_invalid_retry_after_is_ignored(value: str) -> None:
    with misbehaving(answer(b"", 503, None, Retry_After=value.encode().decode("latin-1"))) as server:
        assert pauses_of(server.url, 2, lambda irritants: irritants.status(BANKING)) == [0.1, 0.5]


def test_a_retry_after_in_seconds_is_respected() -> None:
    with misbehaving(answer(b"", 503, None, Retry_After="7")) as server:
        assert pauses_of(server.url, 2, lambda irritants: irritants.status(BANKING)) == [7, 7]


def test_a_retry_after_date_is_compared_with_the_clock_of_the_server() -> None:
    an_hour_slow = {"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Retry_After": "Sun, 06 Nov 1994 08:49:44 GMT"}
    with misbehaving(answer(b"", 503, None, **an_hour_slow)) as server:
        assert pauses_of(server.url, 1, lambda irritants: irritants.status(BANKING)) == [7]


def test_a_retry_after_date_without_a_date_header_is_compared_with_our_clock() -> None:
    with misbehaving(answer(b"", 503, None, Retry_After=at(30))) as server:
        (pause,) = pauses_of(server.url, 1, lambda irritants: irritants.status(BANKING))
        assert 20 < pause <= 30
    with misbehaving(answer(b"", 503, None, Retry_After=at(-30))) as server:
        assert pauses_of(server.url, 1, lambda irritants: irritants.status(BANKING)) == [0.1]


@pytest.mark.parametrize("value", ["3600", "999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_beyond_patience_is_raised_at_once(value: str) -> None:
    with misbehaving(answer(OUTAGE, 429, "application/problem+json", Retry_After=value)) as server:
        with Irritants(server.url, patience=5) as irritants, pytest.raises(Unavailable, match="Too many") as given_up:
            irritants.status(BANKING)
        assert len(server.heads) == 1
    assert given_up.value.status == 429
    assert given_up.value.retry_after is not None
    assert given_up.value.retry_after > 3500


UNEXPECTED: dict[str, bytes] = {
    "sign-in page": answer(SIGN_IN, media_type="text/html; charset=utf-8"),
    "redirect to a sign-in page": answer(b"", 302, None, Location="https://sso.example/login?token=x"),
    "another redirect": answer(SIGN_IN, 308, "text/html", Location="/"),
    "redirect to nowhere": answer(SIGN_IN, 301, "text/html"),
    "network sign-in": answer(SIGN_IN, 511, "text/html"),
    "404 of another server": answer(b"<html>404", 404, "text/html"),
    "404 in other JSON": answer(b'{"message": "no route"}', 404),
    "403 of a firewall": answer(b"<html>", 403, "text/html"),
    "410 of another server": answer(b"gone", 410, "text/plain"),
    "500 of another server": answer(b"Traceback", 500, "text/plain"),
    "no media type": answer(b"{}", 200, None),
    "plain text": answer(b"{}", 200, "text/plain"),
    "nothing": answer(b"", 200, None),
    "no content": answer(b"", 204, None),
    "a part": answer(b"{}", 206),
    "unasked 304": answer(b"", 304, None, ETag='"x"'),
    "other JSON": answer(b'{"error": "sign in"}'),
    "a list": answer(b"[]"),
    "null": answer(b"null"),
    "a text": answer(b'"x"'),
}


@pytest.mark.parametrize("name", UNEXPECTED)
def test_a_permanent_fault_is_raised_at_once(name: str) -> None:
    asks: list[Callable[[Irritants], object]] = [
        lambda irritants: irritants.status(BANKING),
        lambda irritants: irritants.wait(BANKING),
        lambda irritants: list(irritants.statuses()),
        lambda irritants: list(irritants.follow(wait=0)),
    ]
    for ask in asks:
        with misbehaving(UNEXPECTED[name]) as server, Irritants(server.url) as irritants:
            with pytest.raises(
                UnexpectedAnswer, match=r"answered .*, which this service never does; check the address"
            ):
                ask(irritants)
            assert len(server.heads) == 1


def test_a_redirect_is_raised_with_its_target() -> None:
    with (
        misbehaving(UNEXPECTED["redirect to a sign-in page"]) as server,
        Irritants(server.url) as irritants,
        pytest.raises(UnexpectedAnswer, match=r"302, a redirect to https://sso\.example/login"),
    ):
        irritants.status(BANKING)


def test_an_endless_page_is_not_read() -> None:
    head = answer(media_type="text/html", Content_Length="1000000000")
    with (
        misbehaving(dripping(head)) as server,
        Irritants(server.url) as irritants,
        pytest.raises(UnexpectedAnswer, match="200 with text/html"),
    ):
        irritants.status(BANKING)


def test_an_answer_that_decompresses_beyond_the_limit_is_refused() -> None:
    swelling = answer(gzip.compress(b" " * (80 << 20)), Content_Encoding="gzip")
    with (
        misbehaving(swelling) as server,
        Irritants(server.url) as irritants,
        pytest.raises(UnexpectedAnswer, match="more than 64 MiB"),
    ):
        irritants.status(BANKING)


def test_a_cache_that_ignores_the_cursor_causes_no_endless_list() -> None:
    page = answer(json.dumps({"items": [], "next": "5"}).encode())
    with misbehaving(page) as server, Irritants(server.url) as irritants:
        with pytest.raises(UnexpectedAnswer, match="the same page of a list again"):
            list(irritants.statuses())
        assert len(server.heads) == 2


def test_a_refusal_with_unknown_errors_is_a_problem() -> None:
    for status, kind in ((404, Problem), (410, OtherHistory)):
        refusal = answer(b'{"type": "/problems/gone", "errors": "x"}', status, "application/problem+json")
        with misbehaving(refusal) as server, Irritants(server.url) as irritants, pytest.raises(kind) as told:
            irritants.status(BANKING)
        assert (told.value.status, told.value.type, told.value.errors) == (status, "gone", [])


def test_all_exceptions_have_one_base_class() -> None:
    assert {error.__name__ for error in IrritantsError.__subclasses__()} == {
        "Problem",
        "EventsMissing",
        "Unavailable",
        "UnexpectedAnswer",
    }


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://127.0.0.1", "http://"])
def test_an_invalid_address_is_refused_before_any_request(url: str) -> None:
    with pytest.raises(ValueError, match=r"invalid address .*; use one that begins with"):
        Irritants(url)


@pytest.mark.parametrize("key", ["irr_1\n", "irr_é", "irr_1\0"])
def test_an_invalid_key_is_refused_before_any_request(key: str) -> None:
    with pytest.raises(ValueError, match="the key contains a line break or another invalid character"):
        Irritants("http://127.0.0.1:8000", key=key)


def test_an_error_shows_neither_password_nor_query() -> None:
    for wrong in (UNEXPECTED["sign-in page"], answer(b"", 503, None, Retry_After="99")):
        with misbehaving(wrong) as server:
            irritants = Irritants(server.url.replace("//", "//desk:secret@"), patience=1)
            with irritants, pytest.raises(IrritantsError) as told:
                list(irritants.statuses(relation="ru-us"))
        assert "secret" not in str(told.value)
        assert "ru-us" not in str(told.value)


@pytest.mark.parametrize(
    ("tag", "sent"),
    [
        ('"7-1-application/json"', '"7-1-application/json"'),
        ('W/"7-1-application/json"', 'W/"7-1-application/json", "7-1-application/json"'),
        ('"7-1-application/json-gzip"', '"7-1-application/json-gzip", "7-1-application/json"'),
        ('"7-1-application/json--gzip"', '"7-1-application/json--gzip", "7-1-application/json"'),
        ('W/"7-1-application/json-br"', 'W/"7-1-application/json-br", "7-1-application/json"'),
        ("7-1", None),
        ('"\xe9"', None),
        ("", None),
        (None, None),
    ],
)
def test_a_valid_tag_is_sent_back_in_if_none_match(tag: str | None, sent: str | None, body: bytes) -> None:
    whole = answer(body) if tag is None else answer(body, ETag=tag)
    with misbehaving(whole) as server, Irritants(server.url) as irritants:
        assert irritants.status(BANKING) is irritants.status(BANKING)
    lines = dict(line.split(": ", 1) for line in server.heads[1].split("\r\n") if ": " in line)
    assert lines.get("If-None-Match") == sent


@pytest.mark.parametrize("tag", [None, 'W/"x"', '"x-gzip"'])
def test_an_unchanged_status_causes_neither_a_result_nor_a_busy_loop(tag: str | None, body: bytes) -> None:
    whole = answer(body) if tag is None else answer(body, ETag=tag)
    with misbehaving(whole) as server, Irritants(server.url) as irritants:
        assert irritants.wait(BANKING, seconds=1) is None
        assert len(server.heads) <= 5


def test_a_cache_that_answers_304_at_once_causes_no_busy_loop(good: bytes) -> None:
    with misbehaving(good, answer(b"", 304, None)) as server, Irritants(server.url) as irritants:
        assert irritants.wait(BANKING, seconds=1) is None
        assert len(server.heads) <= 5


def test_a_proxy_that_does_not_wait_is_polled_at_the_suggested_interval(good: bytes) -> None:
    made = [0.1, 0.5, 1, 2, 5, 15, 15]
    with misbehaving(good, answer(b"", 304, None, Poll_Interval="15")) as server:
        assert pauses_of(server.url, 7, lambda irritants: irritants.wait(BANKING, 60)) == made
    with misbehaving(answer(EMPTY_PAGE, Poll_Interval="15")) as server:
        assert pauses_of(server.url, 7, lambda irritants: list(irritants.follow())) == made
    with misbehaving(answer(EMPTY_PAGE, Poll_Interval="-1")) as server:
        assert pauses_of(server.url, 7, lambda irritants: list(irritants.follow())) == [0.1, 0.5, 1, 2, 5, 5, 5]


@contextmanager
def proxied(command: list[str], port: int, log: Path) -> Iterator[tuple[str, Path]]:
    with subprocess.Popen(command) as process:
        try:
            until(lambda: _accepts(port))
            yield f"http://127.0.0.1:{port}", log
        finally:
            process.terminate()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def nginx(upstream: str, folder: Path) -> tuple[list[str], int, Path]:
    port, log = _free_port(), folder / "access.log"
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("proxy", "client_body", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"""
        daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
        http {{
            {temporary}
            log_format short '$status'; access_log {log} short;
            gzip on; gzip_types application/json; gzip_min_length 1; gzip_proxied any; gzip_http_version 1.0;
            server {{
                listen 127.0.0.1:{port};
                location / {{ proxy_pass {upstream}; proxy_set_header Accept-Encoding ""; }}
            }}
        }}""",
        encoding="utf-8",
    )
    return [str(NGINX), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"], port, log


def apache(upstream: str, folder: Path) -> tuple[list[str], int, Path]:
    port, inner, log = _free_port(), _free_port(), folder / "access.log"
    modules = "\n".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
        for name in ("mpm_event", "authz_core", "headers", "proxy", "proxy_http", "filter", "deflate")
    )
    (folder / "apache.conf").write_text(
        f"""
        {modules}
        ServerName localhost
        Listen 127.0.0.1:{port}
        PidFile {folder}/pid
        ErrorLog {folder}/error.log
        LogFormat "%>s" short
        <VirtualHost 127.0.0.1:{port}>
            CustomLog {log} short
            ProxyPass / http://127.0.0.1:{inner}/
            AddOutputFilterByType DEFLATE application/json
        </VirtualHost>
        # The service is asked for what is not compressed, so that the proxy compresses it.
        Listen 127.0.0.1:{inner}
        <VirtualHost 127.0.0.1:{inner}>
            RequestHeader unset Accept-Encoding
            ProxyPass / {upstream}/
        </VirtualHost>
        """,
        encoding="utf-8",
    )
    return [str(APACHE), "-D", "FOREGROUND", "-f", f"{folder}/apache.conf"], port, log


PROXIES = [
    pytest.param(nginx, marks=pytest.mark.skipif(NGINX is None, reason="nginx is not installed")),
    pytest.param(apache, marks=pytest.mark.skipif(APACHE is None, reason="Apache is not installed")),
]
Configured = Callable[[str, Path], tuple[list[str], int, Path]]


@pytest.mark.parametrize("configured", PROXIES)
def test_behind_a_compressing_proxy_304_and_long_polls_work(
    configured: Configured, server: Served, key: str, tmp_path: Path
) -> None:
    with proxied(*configured(server.url, tmp_path)) as (url, log):
        plain, changed = (
            httpx2.get(f"{at}/v1/irritants/{BANKING}", headers={"Accept-Encoding": coding}).headers["etag"]
            for at, coding in ((server.url, "identity"), (url, "gzip"))
        )
        assert plain != changed, "this proxy compresses nothing"
        with Irritants(url) as irritants:
            before = irritants.status(BANKING)
            assert irritants.status(BANKING) is before
            assert irritants.wait(BANKING, seconds=1) is None
            file(server, key)
            after = irritants.wait(BANKING, seconds=1)
            assert after is not None
            assert after.status == "implementing"
            assert [event.position for event in irritants.follow(wait=0)][-1] == 128
        statuses = log.read_text(encoding="utf-8").split()
    assert statuses[1:5] == ["200", "304", "304", "200"]
