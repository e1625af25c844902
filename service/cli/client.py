"""The HTTP client of the commands. It reads and posts JSON, and raises each problem as an error with an exit code.

`service.client` is the client for other programs.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias
from urllib.request import getproxies

import httpx2 as httpx

from service import settings
from service.cli.terminal import Exit, Failed
from service.store.codec import canonical

Query: TypeAlias = Mapping[str, object]
NO_PARAMETERS: Final[Query] = {}

_PAGE_SIZE: Final = 1_000
_PROXY_VARIABLES: Final = "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"


class ServiceProblem(Failed):
    """The service refused the request. `problem` is the problem document (RFC 9457) that it sent."""

    def __init__(self, status: int, problem: Mapping[str, Any], code: Exit) -> None:
        self.status, self.problem = status, problem
        super().__init__(str(problem.get("detail") or problem.get("title") or f"status {status}"), code, dict(problem))

    @property
    def name(self) -> str:
        return str(self.problem.get("type", "")).rpartition("/")[2]


class Service:
    """A connection to the service. Methods raise ServiceProblem, or Failed if the service cannot be reached."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def address(self, path: str) -> str:
        """Return the address of a path of the service, with scheme and host."""
        return str(self._http.base_url.join(path))

    def get(self, path: str, query: Query = NO_PARAMETERS, *, accept: str) -> httpx.Response:
        return self._request("GET", path, query, {"Accept": accept})

    def document(self, path: str, query: Query = NO_PARAMETERS, *, accept: str) -> Any:
        """Return the response as a JSON object, or as text if it has another media type of `accept`."""
        response = self.get(path, query, accept=accept)
        media_type = response.headers.get("content-type", "").partition(";")[0]
        is_text = media_type and media_type in accept and media_type != "application/json"
        return response.text if is_text else _json_object(response)

    def read(self, path: str, query: Query = NO_PARAMETERS, *, wait: int = 0) -> Any:
        """Return a JSON object. `wait`: seconds that the service may wait for a change (long poll)."""
        headers = {"Accept": "application/json"} | ({"Prefer": f"wait={wait}"} if wait else {})
        return _json_object(self._request("GET", path, query, headers))

    def items(self, path: str, query: Query = NO_PARAMETERS) -> Iterator[dict[str, Any]]:
        """Yield every item of a list, page by page."""
        cursor = None
        while True:
            page = self.read(path, {**query, "limit": _PAGE_SIZE, "cursor": cursor})
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def feed(self, path: str, query: Query = NO_PARAMETERS) -> Iterator[dict[str, Any]]:
        """Yield every item of a feed up to its end.

        The query has the position (`after`) or point (`since`) to start after. Only the first request sends `since`.
        """
        parameters = dict(query)
        after = parameters.get("after", None if "since" in parameters else 0)
        while True:
            page = self.read(path, {**parameters, "after": after, "limit": _PAGE_SIZE})
            parameters.pop("since", None)
            yield from page["items"]
            if page["next"] == after:
                return
            after = page["next"]

    def post(self, path: str, body: object, query: Query = NO_PARAMETERS, *, key: str | None = None) -> httpx.Response:
        """Post a JSON body. `key` is the Idempotency-Key. A dry run has no key."""
        headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
        response = self._request("POST", path, query, headers, body)
        _json_object(response)
        return response

    def _request(
        self, method: str, path: str, query: Query, headers: Mapping[str, str], body: object = None
    ) -> httpx.Response:
        parameters = {name: str(value) for name, value in query.items() if value is not None}
        content = None if body is None else canonical(body)
        try:
            response = self._http.request(method, path, params=parameters, headers=dict(headers), content=content)
        except httpx.UnsupportedProtocol as error:
            raise Failed(
                f"invalid address {self._http.base_url}: {error}; use http:// or https://", Exit.USAGE
            ) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            proxy = f" ({_PROXY_VARIABLES} names a proxy)" if _may_use_proxy(str(self._http.base_url)) else ""
            raise Failed(
                f"{self._http.base_url} cannot be reached: {error}{proxy}. Start the service, or set IRRITANTS_URL",
                Exit.UNREACHABLE,
            ) from error
        if response.is_error or response.is_redirect:
            raise _error_of(response)
        return response


@contextmanager
def connect(url: str | None) -> Iterator[Service]:
    """Yield a connection to the service at this address. None means the address in the settings."""
    chosen = settings.read(url=url)
    headers = {"User-Agent": "irritants"}
    if chosen.key is not None:
        headers["Authorization"] = f"Bearer {chosen.key.get_secret_value()}"
    with _client(chosen.url, headers) as http:
        yield Service(http)


def _client(url: str, headers: Mapping[str, str]) -> httpx.Client:
    # Ten thousand events take some seconds to file, but a connection should take less than five.
    timeout = httpx.Timeout(120, connect=5)
    try:
        return httpx.Client(
            base_url=url,
            headers=headers,
            timeout=timeout,
            verify=_trusted_certificates(url),
            trust_env=_may_use_proxy(url),
        )
    except httpx.InvalidURL as error:
        raise Failed(f"invalid address {url}: {error}", Exit.USAGE) from error
    except OSError as error:
        sentence = (
            f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: {error.strerror or error};"
            " correct or unset the variable"
        )
        raise Failed(sentence, Exit.USAGE) from error
    except (ValueError, ImportError) as error:
        sentence = (
            f"{_PROXY_VARIABLES} names a proxy without http:// or https://;"
            f" change it, or add the host of {url} to NO_PROXY"
        )
        raise Failed(sentence, Exit.USAGE) from error


def _may_use_proxy(url: str) -> bool:
    """Return whether requests to this address may use a proxy of the environment. Loopback addresses never do."""
    return bool(getproxies().keys() - {"no"}) and not settings.is_loopback(httpx.URL(url).host)


def _trusted_certificates(url: str) -> ssl.SSLContext:
    """Return the trusted certificates. Without TLS, load none, because loading takes longer than most requests."""
    is_plain = url.startswith("http://") and not _may_use_proxy(url)
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else httpx.create_ssl_context()


def _json_object(response: httpx.Response) -> dict[str, Any]:
    """Return the body as a JSON object. Raises Failed for any other body: then it is not the service that answers."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        found = f"{response.status_code} with {response.headers.get('content-type') or 'no media type'}"
        sentence = f"another service answers at {response.url}: {found}; check the address and the proxies"
        raise Failed(sentence, Exit.UNREACHABLE)
    return body


def _error_of(response: httpx.Response) -> Failed:
    """Return the error for a refused request, with the exit code of its status."""
    problem = _json_object(response)
    codes = {401: Exit.NOT_AUTHORISED, 403: Exit.NOT_AUTHORISED, 404: Exit.NOT_FOUND}
    otherwise = Exit.UNREACHABLE if response.status_code >= 500 else Exit.REFUSED
    return ServiceProblem(response.status_code, problem, codes.get(response.status_code, otherwise))
