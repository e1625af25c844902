"""Preview and file corrections and retractions, for the form of one event and for that of a whole report."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import Field, replace
from typing import Any, ClassVar, Protocol, TypeVar

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from service.api.problems import Mistake, problem_of
from service.domain.errors import Refused
from service.domain.history import History
from service.recorder import KeyReused
from service.web.forms.draft import FieldMistake
from service.web.forms.new_report import new_key
from service.web.forms.preview import Preview, file_report, preview_of
from service.web.pages import address


def as_seen(history: History[Any], version: int) -> History[Any]:
    """Return a history in the version that a form showed. So the same form makes the same report when it is sent again.

    Return the whole history if it has no such version.
    """
    return history.as_of(history.events[version - 1].position) if 0 < version < history.version else history


class AmendmentDraft(Protocol):
    """The draft of a correction or retraction. It is a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def key(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def is_empty(self) -> bool:
        """Return whether the draft changes nothing."""

    @property
    def body(self) -> dict[str, Any]:
        """Return the report to file."""

    def locate_mistakes(self, mistakes: Iterable[Mistake]) -> list[FieldMistake]: ...


A = TypeVar("A", bound=AmendmentDraft)
ShowForm = Callable[..., Awaitable[Response]]
"""Returns the page with the form of a draft. It takes the draft, and the keyword arguments of the page."""


async def preview_amendment(request: Request, draft: AmendmentDraft) -> Preview:
    """Return the preview of a draft. It is empty if the draft changes nothing."""
    if draft.is_empty:
        return Preview()
    # Filing requires a reason, but the preview must work before the operator writes one.
    with_reason = draft if draft.reason else replace(draft, reason=draft.title)
    return await preview_of(request, with_reason.body, draft.locate_mistakes)


async def file_amendment(request: Request, draft: A, show: ShowForm, reread: Callable[[A], Awaitable[A]]) -> Response:
    """File a correction or retraction, and redirect to its report. If it is refused, show the form with the mistakes.

    `reread` returns a refused draft for the present record, so that it can be filed again.
    """
    if draft.is_empty:
        return await show(draft, status=422, notice="amend.nothing-changed")
    try:
        receipt = await file_report(request, draft.body, draft.key, dry_run=False)
    except Refused as refused:
        problem = problem_of(refused)
        preview = await preview_amendment(request, draft)
        refusal = draft.locate_mistakes(problem.document.errors or ())
        # A report without a reason is refused before its other mistakes are found. The preview finds these.
        mistakes = {(mistake.id, mistake.detail): mistake for mistake in (*preview.mistakes, *refusal)}
        preview = replace(preview, mistakes=list(mistakes.values()), problem=problem.document)
        return await show(await reread(draft), status=problem.status, preview=preview, refused=True)
    except KeyReused as reused:
        retried, before = replace(draft, key=new_key()), f"/reports/{reused.first.id}"
        return await show(retried, status=422, notice="file.filed-before", before=before)
    return RedirectResponse(address(f"/reports/{receipt.report.id}", filed=draft.key), 303)
