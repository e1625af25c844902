"""The names of documents in the output. Their slugs are for addresses and report files."""

from collections.abc import Iterable
from contextlib import suppress
from types import SimpleNamespace

from service.cli.client import Service
from service.cli.terminal import Failed
from service.projections.words.documents import document_name


def names_of(service: Service, slugs: Iterable[str]) -> dict[str, str]:
    """Return the name of each document by its slug. Costs one request for each document.

    A document that the key may not read has its slug as name.
    """
    names = {slug: slug for slug in slugs}
    for slug in names:
        with suppress(Failed):
            found = service.read(f"/v1/sources/{slug}")
            of = SimpleNamespace(publisher=found["publisher"], title=found["title"], published=found["published"])
            names[slug] = document_name(of)
    return names
