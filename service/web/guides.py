"""Show three pages of `docs/` to people who file reports, `/help/…`: how to report, the model, the glossary."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from fastapi import APIRouter, Request
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from starlette.responses import Response

from service.api.problems import Problem
from service.resources import folder
from service.web.pages import Template, static_response

router: Final = APIRouter(include_in_schema=False)

GUIDES: Final = ("operators", "model", "glossary")
_LINK: Final = re.compile(r"(?P<name>[a-z]+)\.md(?P<anchor>#.*)?")
_NOT_IN_IDS: Final = re.compile(r"[^\w -]")


@router.get("/help/{name}")
async def guide(request: Request, name: str) -> Response:
    """Show one page of the documentation."""
    if name not in GUIDES:
        raise Problem("not-found", f"There is no page {name} of the help. The page /help lists all of them.")
    title, body = _read(name)
    return await static_response(request, Template("guide.html", {"title": title, "body": body}))


@lru_cache
def _read(name: str) -> tuple[str, Markup]:
    """Return the title and the HTML of a page."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse((folder("docs") / f"{name}.md").read_text(encoding="utf-8"))
    title = next(token.content for token in tokens if token.type == "inline")
    html = parser.renderer.render(list(_adapted(tokens)), parser.options, {})
    return title, Markup(html)  # noqa: S704 -- the text is ours, and the parser escapes HTML


def _adapted(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the tokens with ids of headings, scopes of table headings, and links to pages instead of files."""
    tokens = list(tokens)
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and after is not None:
            token.attrSet("id", _NOT_IN_IDS.sub("", after.content.lower()).replace(" ", "-"))
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        if token.children:
            token.children = list(_with_links_to_pages(token.children))
        yield token


def _with_links_to_pages(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the tokens of a line. A link to a file that has no page becomes plain text."""
    is_page = True
    for token in tokens:
        if token.type == "link_open":
            link = _LINK.fullmatch(str(token.attrGet("href")))
            is_page = link is None and str(token.attrGet("href")).startswith(("#", "/"))
            if link is not None and link["name"] in GUIDES:
                is_page = True
                token.attrSet("href", f"/help/{link['name']}{link['anchor'] or ''}")
        if is_page or token.type not in ("link_open", "link_close"):
            yield token
