"""Events of a document and its origins."""

import pytest

from service.domain.errors import Malformed
from service.domain.source.state import Source
from tests.build import STREAMS, corrected, given, origin_registered, registered

SHA256 = "0123456789abcdef" * 4


def test_a_document_has_the_registered_fields() -> None:
    interview = origin_registered("interview", "RU", speaker="The ambassador", occurred="[2025-04-10..]")
    state = (
        given(stream=STREAMS["source"])
        .when(
            registered(
                "A newspaper",
                sha256=SHA256,
                paragraphs=16,
                published="2025-04",
                address="https://example.org/a0",
                language="en",
            ),
            interview,
        )
        .state
    )
    assert state == Source(
        opened=True,
        publisher="A newspaper",
        sha256=SHA256,
        paragraphs=16,
        published="2025-04",
        address="https://example.org/a0",
        language="en",
        origins={"interview": interview},
    )


def test_a_document_needs_only_a_publisher() -> None:
    assert given(stream=STREAMS["source"]).when(registered("A desk")).state == Source(opened=True, publisher="A desk")


def test_a_correction_of_a_document_keeps_its_origins() -> None:
    paper, correction = origin_registered("paper", "MEDIA"), corrected("e1", sha256=SHA256)
    state = given(registered("A newspaper"), paper, correction).state
    assert (state.sha256, state.origins) == (SHA256, {"paper": paper})


@pytest.mark.parametrize("party", ["RU", "JOINT", "TR"])
def test_an_origin_with_the_channel_outlet_must_be_media(party: str) -> None:
    given(registered()).when(origin_registered("paper", party, channel="outlet")).refused(Malformed)


def test_an_origin_of_media_may_be_attributed() -> None:
    unnamed = origin_registered("unnamed", "MEDIA", channel="attributed")
    assert given(registered()).when(unnamed).state.origins == {"unnamed": unnamed}
