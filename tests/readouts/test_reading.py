"""Readouts in text, HTML, Word and PDF become the numbered paragraphs that the record counts."""

import zipfile
from contextlib import suppress
from datetime import date
from hashlib import sha256
from io import BytesIO

import docx
import pytest
from pypdf import PdfWriter

from service import readouts
from service.readouts import UnreadableReadout, published_on, read
from service.readouts.languages import language_of

TEXT = "Readout of the round\n\nWashington, 14 July 2025\n  The delegations   met.\n\n\nVisas will take thirty days.\n"
PARAGRAPHS = (
    "Readout of the round",
    "Washington, 14 July 2025",
    "The delegations met.",
    "Visas will take thirty days.",
)


def word(*paragraphs: str, table: tuple[tuple[str, ...], ...] = ()) -> bytes:
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    if table:
        rows = document.add_table(len(table), len(table[0]))
        for row, texts in zip(rows.rows, table, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
    document.core_properties.title = "Third round"
    document.save(into := BytesIO())
    return into.getvalue()


def pdf(*lines: str) -> bytes:
    """A PDF of one page with these lines, written by hand: the library for reading writes no text."""
    shown = " T* ".join(f"({line}) Tj" for line in lines)
    stream = f"BT /F1 12 Tf 14 TL 40 800 Td {shown} ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 850]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    at = len(content)
    return content + b"xref\n0 6\n0000000000 65535 f \n%btrailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        at,
    )


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
        TEXT.replace("\n", "\r\n").encode(),
    ],
)
def test_the_paragraphs_of_a_text_are_its_lines_that_are_not_blank(content: bytes) -> None:
    readout = read(content)
    assert readout.paragraphs == PARAGRAPHS
    assert readout.sha256 == sha256(content).hexdigest()
    assert readout.kind == "text"


def test_a_page_gives_its_article_and_what_it_says_about_itself() -> None:
    page = """<!DOCTYPE html><html lang="en"><head><title>Ministry</title>
      <meta property="og:title" content="Third round"><meta property="og:site_name" content="A ministry">
      <meta property="article:published_time" content="2025-07-14T10:00:00Z">
      <link rel="canonical" href="https://example.org/readout"></head>
      <body><nav>Menu</nav><article><h1>Third round</h1><p>The <b>delegations</b>
      met in Moscow.<br>They talked.</p><script>alert(1)</script><ul><li>Visas</li><li>Flights</li></ul></article>
      <footer>Imprint</footer></body></html>"""
    readout = read(page.encode())
    assert readout.paragraphs == ("Third round", "The delegations met in Moscow.", "They talked.", "Visas", "Flights")
    assert (readout.title, readout.publisher, readout.published) == ("Third round", "A ministry", "2025-07-14")
    assert (readout.language, readout.address) == ("en", "https://example.org/readout")


def test_a_word_document_gives_paragraphs_and_cells_in_their_order() -> None:
    readout = read(word("The delegations met.", "", "Visas will take thirty days.", table=(("Flights", "rejected"),)))
    assert readout.paragraphs == ("The delegations met.", "Visas will take thirty days.", "Flights", "rejected")
    assert readout.title == "Third round"


def test_the_lines_of_a_pdf_are_joined_to_paragraphs() -> None:
    readout = read(
        pdf(
            "The delegations met in Moscow for about seven hours and reviewed the",
            "banking of their missions.",
            "Visas will take thirty days.",
        )
    )
    assert readout.paragraphs == (
        "The delegations met in Moscow for about seven hours and reviewed the banking of their missions.",
        "Visas will take thirty days.",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no text"),
        (b" \n\n ", "has no text"),
        ("Tr\xe4nen".encode("latin-1"), "not text in UTF-8"),
        (b"abc\x00def", "contains NUL"),
        (b"%PDF-1.7 and nothing more", "not a PDF document, or it is damaged"),
        (b"PK\x03\x04 and nothing more", "not a Word document, or it is damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy(content: bytes, said: str) -> None:
    with pytest.raises(UnreadableReadout, match=said):
        read(content)


def test_the_signs_of_a_pdf_for_several_letters_are_read_as_letters() -> None:
    # In the standard encoding of PDF, octal 256 and 257 are the signs for "fi" and "fl".
    assert read(pdf(r"The of\256cials agreed on \257ights.")).paragraphs == ("The officials agreed on flights.",)


def test_a_pdf_without_text_may_be_a_scan() -> None:
    writer = PdfWriter()
    writer.add_blank_page(600, 850)
    writer.write(into := BytesIO())
    with pytest.raises(UnreadableReadout, match="it may be a scan"):
        read(into.getvalue())


def test_a_pdf_with_a_password_is_refused() -> None:
    writer = PdfWriter()
    writer.add_blank_page(600, 850)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(into := BytesIO())
    with pytest.raises(UnreadableReadout, match="protected by a password"):
        read(into.getvalue())


def test_a_word_document_that_unpacks_to_gigabytes_is_refused() -> None:
    with zipfile.ZipFile(into := BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("word/document.xml", "word/more.xml"):
            archive.writestr(name, bytes(60 * 1024 * 1024))
    with pytest.raises(UnreadableReadout, match="too large when unpacked"):
        read(into.getvalue())


def test_entities_that_multiply_and_files_of_this_machine_are_not_read() -> None:
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in zip("abcdefgh", "bcdefghi", strict=True)
    )
    document = f'<?xml version="1.0"?><!DOCTYPE d [{entities}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    body = "<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body><w:p><w:r><w:t>&i;&f;</w:t></w:r></w:p></w:body></w:document>"
    plain = zipfile.ZipFile(BytesIO(word("The delegations met.")))
    with zipfile.ZipFile(into := BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name in plain.namelist():
            archive.writestr(name, (document + body).encode() if name == "word/document.xml" else plain.read(name))
    try:
        found = " ".join(read(into.getvalue()).paragraphs)
    except UnreadableReadout:
        return
    assert "root:" not in found
    assert len(found) < 10_000


def test_a_page_nested_a_hundred_thousand_deep_is_read_or_refused() -> None:
    page = b"<html><body>" + b"<div>" * 100_000 + b"The delegations met."
    with suppress(UnreadableReadout):
        assert read(page).paragraphs


def test_a_document_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readouts, "_SECONDS", 0.01)
    with pytest.raises(UnreadableReadout, match="too large or too complex"):
        read(word("The delegations met."))


def test_more_than_the_limit_is_refused() -> None:
    with pytest.raises(UnreadableReadout, match="more than 10 MiB"):
        read(b"a" * (readouts.MAX_BYTES + 1))
    with pytest.raises(UnreadableReadout, match="more than 5000 paragraphs"):
        read(b"a\n" * (readouts.MAX_PARAGRAPHS + 1))


def test_a_text_has_its_heading_its_language_and_the_day_of_its_date_line() -> None:
    talks = "Les deux parties ont parlé de la question des visas et du transport dans la région."
    readout = read(f"Communiqué\n\nParis, le 15 juillet 2025\n\n{talks}".encode())
    assert (readout.title, readout.language, published_on(readout)) == ("Communiqué", "fr", date(2025, 7, 15))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The sides met in the capital and agreed to have talks with the press.", "en"),
        ("Les deux parties ont parlé de la question des visas et du transport dans la région.", "fr"),
        ("Die Seiten sprachen mit der Presse, und das Treffen ist von beiden gelobt worden.", "de"),
        ("Talks.", None),
        ("x y z " * 20, None),
    ],
)
def test_a_language_is_guessed_only_from_enough_words(text: str, language: str | None) -> None:
    assert language_of([text]) == language


def test_pasted_text_is_text_even_if_it_begins_like_another_format() -> None:
    assert read(b"%PDF-1.7 is a format\nMore", is_text=True).kind == "text"
