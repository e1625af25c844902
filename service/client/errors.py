"""The errors of the client. Each is an IrritantsError. A refused request raises a Problem, with a class by status."""

from collections.abc import Mapping, Sequence
from typing import Any, Final


class IrritantsError(Exception):
    """The base class of all errors of this client."""


class Problem(IrritantsError):
    """The service refused the request (RFC 9457), and nothing was written.

    `name` is the name of the problem type, which `/problems/<name>` explains. `errors` lists the mistakes, each with
    `detail`, and with `pointer` or `parameter` as its place. The text of the exception has a line for each of them.
    `document` is the whole problem document.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status, self.document = status, document
        self.name = str(document.get("type", "about:blank")).rpartition("/")[2]
        self.detail = str(document.get("detail") or document.get("title") or f"status {status}")
        errors = document.get("errors")
        self.errors: list[dict[str, Any]] = errors if isinstance(errors, list) else []
        super().__init__(_text(self.detail, self.errors))

    @property
    def type(self) -> str:
        """The same as `name`."""
        return self.name


def _text(detail: str, errors: Sequence[Any]) -> str:
    """Return the detail with a line for each mistake that it does not name: its place, and what to do."""
    mistakes = [(str(e.get("pointer") or e.get("parameter") or ""), str(e.get("detail"))) for e in errors if _is_one(e)]
    lines = [f"{place}: {said}" if place else said for place, said in mistakes]
    if [said for _, said in mistakes] == [detail]:
        return lines[0]
    return "\n".join([detail, *(line for line, (_, said) in zip(lines, mistakes, strict=True) if said not in detail)])


def _is_one(error: object) -> bool:
    """Return whether this is a mistake with a text. A later release may list other things."""
    return isinstance(error, Mapping) and isinstance(error.get("detail"), str)


class MalformedRequest(Problem):
    """The request is not valid HTTP or JSON, or a header is malformed or missing (400)."""


class Unauthenticated(Problem):
    """The key is missing or invalid, or it has expired or was revoked (401)."""


class Forbidden(Problem):
    """The key lacks the scope for this request, or it is limited to other relations (403)."""


class NotFound(Problem):
    """Nothing is on record at this address (404)."""


class NotAllowed(Problem):
    """The record does not allow an event of the report now (409)."""


class OtherHistory(Problem):
    """The record is not the one that was followed (410): an older copy was restored, or it is another record.

    Follow again from the beginning. `start_over` is the address to begin at, if the service named it.
    """

    @property
    def start_over(self) -> str | None:
        address = self.document.get("start_over")
        return address if isinstance(address, str) else None


class NotValid(Problem):
    """The report or a parameter is not valid (422). `errors` has the place of each mistake."""


class ServerFailure(Problem):
    """The service has a defect (500)."""


_CLASSES: Final[Mapping[int, type[Problem]]] = {
    400: MalformedRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: NotAllowed,
    410: OtherHistory,
    422: NotValid,
    500: ServerFailure,
}


def problem(status: int, document: Mapping[str, Any]) -> Problem:
    """Return the exception for a problem document. A status without a class of its own is a Problem."""
    return _CLASSES.get(status, Problem)(status, document)


class EventsMissing(IrritantsError):
    """The service left out events. Do not process later events. Ask the operator of the service."""


class Unavailable(IrritantsError):
    """The service gave no complete response within `patience` seconds. Try again later.

    `status` is the status of the last response, or None without a response. `retry_after` is the number of seconds
    after which the service accepts requests again, or None if it did not say. `name` is the problem type of the last
    response, such as `overloaded`, or None.
    """

    def __init__(
        self, reason: str, status: int | None = None, retry_after: float | None = None, name: str | None = None
    ) -> None:
        self.status, self.retry_after, self.name = status, retry_after, name
        super().__init__(reason)


class UnexpectedAnswer(IrritantsError):
    """Another server responded instead of the service, such as a sign-in page, a proxy or a cache.

    A retry does not help. Check the address and the proxies in between.
    """

    def __init__(self, url: str, what: str, status: int) -> None:
        self.url, self.status = url, status
        super().__init__(f"{url} answered {what}, which this service never does; check the address and the proxies")
