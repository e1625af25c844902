"""Read Word, PDF and HTML in a process of its own: `python -m service.readouts.formats docx < document`.

It writes a JSON object to standard output: `paragraphs` and `about`, or `error` with a sentence for the operator. A
document that needs too much time or memory ends the process.
"""

import json
import logging
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final
from unicodedata import normalize

from service.readouts.plain_text import lines_of
from service.resources import ADD_SERVER

CPU_SECONDS: Final = 15
MEMORY_BYTES: Final = 1024 * 1024 * 1024
_UNPACKED_BYTES: Final = 100 * 1024 * 1024
"""Of a Word file, which is a ZIP archive: a few kilobytes can unpack to gigabytes."""
_PDF_PAGES: Final = 200
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

About = dict[str, str]
"""What a document says about itself: some of `title`, `publisher`, `published`, `language` and `address`."""


class UnreadableDocument(ValueError):
    """The document cannot be read, for a reason that its owner can remove."""


def main(kind: str, content: bytes) -> dict[str, Any]:
    """Return the object for standard output. `kind`: a key of `READERS`."""
    try:
        paragraphs, about = READERS[kind](content)
    except UnreadableDocument as error:
        return {"error": str(error)}
    except ModuleNotFoundError as error:
        return {"error": f"{_NAMES[kind]} cannot be read, because only the client is installed ({error}). {ADD_SERVER}"}
    except Exception:  # noqa: BLE001 -- the parsers raise many kinds of errors for damaged files
        return {"error": f"the file is not a {_NAMES[kind]} document, or it is damaged. Save it again, or as text"}
    return {"paragraphs": paragraphs, "about": {name: value for name, value in about.items() if value}}


def limit() -> None:
    """Limit this process, before it sees the document."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


# Word.


def _docx(content: bytes) -> tuple[list[str], About]:
    import docx  # noqa: PLC0415 -- each format loads its own parser only

    with zipfile.ZipFile(BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _UNPACKED_BYTES:
            raise UnreadableDocument("the Word document is too large when unpacked. Save only its text")
    document = docx.Document(BytesIO(content))
    properties = document.core_properties
    text = "\n".join(_blocks(document))
    return lines_of(text), {"title": properties.title, "language": properties.language}


def _blocks(container: Any) -> Iterator[str]:
    """Yield the text of the paragraphs and table cells, in the order of the document."""
    for block in container.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                cells, column = row.cells, 0
                while column < len(cells):
                    yield from _blocks(cells[column])
                    column += cells[column].grid_span  # a merged cell is in the list once for each column
        else:
            yield block.text


# PDF.

_LIGATURES: Final = {place: normalize("NFKC", chr(place)) for place in range(0xFB00, 0xFB07)}
"""Signs for several letters, such as "ﬁ", which many fonts of PDF files use. Names with them would not be found."""


def _pdf(content: bytes) -> tuple[list[str], About]:
    import pypdf  # noqa: PLC0415

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = pypdf.PdfReader(BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableDocument("the PDF is protected by a password. Save it without one")
    if len(reader.pages) > _PDF_PAGES:
        raise UnreadableDocument(f"the PDF has more than {_PDF_PAGES} pages. Save only the pages on the talks")
    texts = (page.extract_text().translate(_LIGATURES) for page in reader.pages)
    lines = [line.rstrip() for text in texts for line in [*text.splitlines(), ""]]
    title = (reader.metadata.title if reader.metadata else None) or ""
    return lines_of("\n".join(_joined(lines))), {"title": title.strip()}


def _joined(lines: list[str]) -> Iterator[str]:
    """Join lines to paragraphs. A paragraph ends at a blank line, or at a short line that ends a sentence."""
    width = max(map(len, lines), default=0)
    paragraph: list[str] = []
    for line in lines:
        if line.strip():
            paragraph.append(line.strip())
        if paragraph and (not line.strip() or (len(line) < 0.8 * width and line.endswith(tuple(".!?…:”»")))):
            yield " ".join(paragraph)
            paragraph = []
    yield " ".join(paragraph)


# HTML.

_SKIPPED: Final = frozenset(
    "script style noscript template nav header footer aside form button select svg iframe head".split()  # noqa: SIM905
)
_INLINE: Final = frozenset(
    "a abbr b bdi bdo cite code em font i mark q s small span strong sub sup time u".split()  # noqa: SIM905
)


def _html(content: bytes) -> tuple[list[str], About]:
    from lxml import html  # noqa: PLC0415

    tree: Any = html.document_fromstring(content)
    about = _meta(tree)
    articles = tree.xpath("//article") or tree.xpath("//main") or tree.xpath("//body") or [tree]
    article = max(articles, key=lambda found: len(found.text_content()))
    paragraphs = lines_of("".join(_pieces(article)))
    headings = [" ".join(heading.text_content().split()) for heading in tree.xpath("//h1")]
    about["title"] = about["title"] or next(filter(None, headings), "") or (tree.findtext(".//title") or "").strip()
    return paragraphs, about


def _pieces(root: Any) -> Iterator[str]:
    """Yield the text below an element, with line breaks around blocks.

    It does not recurse, because a hostile page nests without limit.
    """
    pending: list[Any] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            yield node
            continue
        if node.tail and node is not root:
            pending.append(" " + " ".join(node.tail.split()) + " " if node.tail.strip() else " ")
        if not isinstance(node.tag, str) or node.tag in _SKIPPED:
            continue
        edge = "" if node.tag in _INLINE else "\n"
        pending.append(edge)
        pending.extend(reversed(node))
        pending.append(edge + (" ".join(node.text.split(" ")).replace("\n", " ") if node.text else ""))


def _meta(tree: Any) -> About:
    """Return what the `meta`, `link` and `time` elements of a page say about it."""
    values: dict[str, str] = {}
    for meta in tree.xpath("//meta[@content]"):
        name = meta.get("property") or meta.get("name") or ""
        values.setdefault(name.lower(), meta.get("content").strip())
    published = _first(values, "article:published_time", "dcterms.date", "dc.date", "date")
    times = tree.xpath("//time/@datetime")
    day = _DATE.match(published or (str(times[0]) if times else ""))
    addresses = tree.xpath("//link[@rel='canonical']/@href")
    return {
        "title": _first(values, "og:title"),
        "publisher": _first(values, "og:site_name", "dcterms.publisher", "application-name"),
        "published": day[0] if day else "",
        "language": (tree.get("lang") or "").strip(),
        "address": str(addresses[0]) if addresses else _first(values, "og:url"),
    }


def _first(values: Mapping[str, str], *names: str) -> str:
    """Return the first of these values that is not empty, else an empty text."""
    return next((values[name] for name in names if values.get(name)), "")


READERS: Final[Mapping[str, Callable[[bytes], tuple[list[str], About]]]] = {"docx": _docx, "pdf": _pdf, "html": _html}
_NAMES: Final = {"docx": "Word", "pdf": "PDF", "html": "HTML"}

if __name__ == "__main__":
    limit()
    sys.stdout.write(json.dumps(main(sys.argv[1], sys.stdin.buffer.read())))
