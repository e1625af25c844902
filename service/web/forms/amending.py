"""Preview and file corrections and retractions: the steps that the forms of one event and of a whole report share."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import Field, replace
from typing import Any, ClassVar, Protocol, TypeVar

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from service.api.problems import Mistake, problem_of
from service.domain.errors import Refused
from service.recorder import KeyReused
from service.web.forms.draft import FieldMistake
from service.web.forms.new_report import new_key
from service.web.forms.preview import Preview, file_report, preview_of
from service.web.pages import address


class Amending(Protocol):
    """A correction or retraction that is being written. It is a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def key(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to file."""

    @property
    def body(self) -> dict[str, Any]:
        """Return the report to file."""

    def locate_mistakes(self, mistakes: Iterable[Mistake]) -> list[FieldMistake]: ...


A = TypeVar("A", bound=Amending)
Show = Callable[..., Awaitable[Response]]
"""Returns the page with the form. It takes what is written, and the keyword arguments of the page."""


async def preview_amendment(request: Request, written: Amending) -> Preview:
    """Return what filing would change. Without a change, nothing."""
    if written.is_empty:
        return Preview()
    # Filing requires a reason, but a preview must work before it is written.
    with_reason = written if written.reason else replace(written, reason=written.title)
    return await preview_of(request, with_reason.body, written.locate_mistakes)


async def file_amendment(request: Request, written: A, show: Show, reread: Callable[[A], Awaitable[A]]) -> Response:
    """File it and redirect to its report. If it cannot be filed, show the form with the mistakes.

    `reread` returns a refused amendment for the record as it is now, so that it can be filed again.
    """
    if written.is_empty:
        return await show(written, status=422, notice="amend.nothing-changed")
    try:
        receipt = await file_report(request, written.body, written.key, dry_run=False)
    except Refused as refused:
        problem = problem_of(refused)
        preview = await preview_amendment(request, written)
        refusal = written.locate_mistakes(problem.document.errors or ())
        # A report without a reason is refused before its other mistakes are found. The preview finds these.
        mistakes = {(mistake.id, mistake.detail): mistake for mistake in (*preview.mistakes, *refusal)}
        found = replace(preview, mistakes=list(mistakes.values()), problem=problem.document)
        return await show(await reread(written), status=problem.status, found=found, refused=True)
    except KeyReused as reused:
        retried, before = replace(written, key=new_key()), f"/reports/{reused.first.id}"
        return await show(retried, status=422, notice="file.filed-before", before=before)
    return RedirectResponse(address(f"/reports/{receipt.report.id}", filed=written.key), 303)
