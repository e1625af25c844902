"""Report files: their conversion to a body, and the line of every mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import reportfile, source_positions
from service.domain import report
from service.domain.catalogue import EVENT_TYPES
from service.reportfile import MAX_BYTES, NotAReport, ReportFile, load
from service.reportfile.schema import REPORT, fields_of, json_value, schema

HEAD = "relation: ru-us\ntitle: A report\n"
RAISED = {
    "stream": "irritant/ru-us/visas",
    "type": "ConcernRaised",
    "asserted_by": {"party": "RU", "organ": "Ministry of Foreign Affairs", "channel": "paraphrase"},
    "source": {"document": "a4", "paragraphs": [4], "origin": "mfa"},
    "occurred": "2025-04-10",
    "occurred_basis": "inferred",
    "inference": "by the weekday",
    "summary": "Visas take a year",
}
DEFAULTS = """
defaults:
  asserted_by: {party: RU, organ: Ministry of Foreign Affairs, channel: paraphrase}
  source: {document: a4, paragraphs: [4], origin: mfa}
  occurred: 2025-04-10
  occurred_basis: inferred
  inference: by the weekday
"""


def read(text: str) -> ReportFile:
    return reportfile.read(dedent(text).encode())


def drafted(text: str) -> list[Any]:
    """Return the events of a file, even if it has mistakes."""
    events = read(text).draft["events"]
    assert isinstance(events, list)
    return events


def event(fields: str) -> Any:
    """Return the body of one event that is written in flow style after the defaults."""
    (filed,) = drafted(f"{HEAD}{DEFAULTS}events:\n  - {fields}")
    return filed


def places(file: ReportFile, *errors: tuple[str, str]) -> list[tuple[int, int, str, str]]:
    return [(m.line, m.column, m.pointer, m.detail) for m in file.all_mistakes(errors)]


def test_the_body_is_the_file_without_its_additions() -> None:
    text = f"""{HEAD}round: istanbul-april  # a comment
expect: {{irritant/visas: 3, relation: 1, source/a4: 2}}
{DEFAULTS}
events:
  - {{stream: irritant/visas, type: ConcernRaised, summary: Visas take a year}}
"""
    assert read(text).body == {
        "relation": "ru-us",
        "round": "istanbul-april",
        "title": "A report",
        "expect": {"irritant/ru-us/visas": 3, "relation/ru-us": 1, "source/a4": 2},
        "events": [RAISED],
    }


def test_json_is_the_same_format() -> None:
    body = {"relation": "ru-us", "title": "A report", "events": [RAISED]}
    assert reportfile.read(json.dumps(body).encode()).body == body
    assert reportfile.read(b"\xef\xbb\xbf" + json.dumps(body, indent="\t").encode()).body == body


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("relation", "relation/ru-us"),
        ("irritant/visas", "irritant/ru-us/visas"),
        ("round/istanbul-april", "round/ru-us/istanbul-april"),
        ("irritant/ru-us/visas", "irritant/ru-us/visas"),
        ("relation/ru-us", "relation/ru-us"),
        ("source/a4", "source/a4"),
        ("irritant/", "irritant/"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_stream_may_omit_its_relation(short: str, full: str) -> None:
    assert event(f"{{stream: {short}, type: ConcernRaised}}")["stream"] == full


@pytest.mark.parametrize(
    ("named", "full"),
    [
        ("irritant/visas@3", "irritant/ru-us/visas@3"),
        ("relation@1", "relation/ru-us@1"),
        ("relation", "relation"),  # a ref may have this name
        ("0198-4a", "0198-4a"),
    ],
)
@pytest.mark.parametrize("field", ["target", "proposal", "undoes", "after"])
def test_a_reference_to_an_event_may_omit_its_relation(field: str, named: str, full: str) -> None:
    assert event(f"{{stream: relation, type: EvidenceAdded, {field}: {named}}}")[field] == full


def test_fields_of_an_assertion_override_the_defaults() -> None:
    assert event("{stream: irritant/visas, type: ConcernRaised, summary: Visas take a year}") == RAISED
    filed = event("{type: ConcernRaised, occurred: 2025, source: {paragraphs: [5]}}")
    assert filed["occurred"] == "2025"
    assert filed["source"] == {"document": "a4", "paragraphs": [5], "origin": "mfa"}


def test_an_assertion_with_a_party_takes_no_default_speaker() -> None:
    filed = event("{type: ConcernRaised, asserted_by: {party: US, channel: attributed}}")
    assert filed["asserted_by"] == {"party": "US", "channel": "attributed"}
    filed = event("{type: ConcernRaised, asserted_by: {organ: Embassy}}")
    assert filed["asserted_by"] == {"party": "RU", "organ": "Embassy", "channel": "paraphrase"}


def test_an_assertion_with_another_document_takes_no_default_paragraphs() -> None:
    filed = event("{type: ConcernRaised, source: {document: a1}}")
    assert filed["source"] == {"document": "a1", "origin": "mfa"}


def test_a_stated_date_takes_no_default_inference() -> None:
    filed = event("{type: ConcernRaised, occurred_basis: stated}")
    assert "inference" not in filed
    assert filed["occurred"] == "2025-04-10"


def test_null_removes_a_default() -> None:
    assert event("{type: ConcernRaised, occurred: null}")["occurred"] is None


def test_evidence_takes_its_defaults_and_registrations_take_none() -> None:
    assert event("{type: EvidenceAdded}").keys() == {"type", "asserted_by", "source"}
    for kept in ("IrritantOpened", "PersonNamed", "SourceRegistered", "OriginRegistered", "AssertionCorrected"):
        assert event(f"{{type: {kept}}}") == {"type": kept}


def test_sources_are_registered_before_all_events() -> None:
    text = f"""{HEAD}
events:
  - {{stream: source/a4, type: SourceRegistered, publisher: Somebody}}
sources:
  - slug: a5
    publisher: NO
    paragraphs: 7
    published: null
    origins:
      - {{origin: a5-voice, speaker: A5, party: MEDIA, channel: outlet}}
      - {{origin: spokesperson, speaker: X, party: NO, channel: quote, occurred: 2025}}
  - slug: a6  # on record already
    origins:
      - {{origin: a6-voice, speaker: A6, party: MEDIA, channel: outlet}}
"""
    voice = {"type": "OriginRegistered", "party": "MEDIA", "channel": "outlet"}
    spokesperson = {
        "origin": "spokesperson",
        "speaker": "X",
        "party": "NO",
        "channel": "quote",
        "occurred": "2025",
    }
    assert read(text).body["events"] == [
        {"stream": "source/a5", "type": "SourceRegistered", "publisher": "NO", "paragraphs": 7, "published": None},
        {**voice, "stream": "source/a5", "origin": "a5-voice", "speaker": "A5"},
        {**spokesperson, "stream": "source/a5", "type": "OriginRegistered"},
        {**voice, "stream": "source/a6", "origin": "a6-voice", "speaker": "A6"},
        {"stream": "source/a4", "type": "SourceRegistered", "publisher": "Somebody"},
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("summary: 12:30", "12:30"),
        ("summary: 2025", "2025"),
        ("summary: true", "true"),
        ("summary: null", "null"),
        ("summary:", ""),
        ("wording:", None),
        ("wording: ~", None),
        ("wording: 'null'", "null"),
        ("hours: 6", 6),
        ("hours: null", None),
        ("hours: '6'", "6"),
        ("hours: 06", "06"),
        ("hours: 1_0", "1_0"),
        ("hours: 6.5", "6.5"),
        ("hours: " + "9" * 5_000, "9" * 5_000),
        ("preliminary: true", True),
        ("preliminary: FALSE", False),
        ("preliminary: 'true'", "true"),
        ("preliminary: yes", "yes"),
        ("party: NO", "NO"),
        ("occurred: 2025-04-10T10:30:00Z", "2025-04-10T10:30:00Z"),
        ("paragraphs: 7", 7),
        ("names: [NO, 12:30]", ["NO", "12:30"]),
        ("asserted_by: {party: NO, organ: null}", {"party": "NO", "organ": None}),
        ("source: {paragraphs: [4, '5']}", {"paragraphs": [4, "5"]}),
        ("changes: {hours: 7, reversible: false, title: 7}", {"hours": 7, "reversible": False, "title": "7"}),
        ("changes: {inference: null}", {"inference": None}),
        ("changes: {source: {paragraphs: [5]}}", {"source": {"paragraphs": [5]}}),
        ("unheard_of: 7", "7"),
    ],
)
def test_an_unquoted_word_has_the_type_of_its_field(field: str, value: object) -> None:
    name = field.partition(":")[0]
    kind = next((kind for kind in EVENT_TYPES if name in fields_of(kind).fields), "ConcernRaised")
    assert drafted(f"{HEAD}events:\n  - type: {kind}\n    {field}") == [{"type": kind, name: value}]


def test_an_unquoted_range_of_dates_has_its_own_message() -> None:
    text = f"{HEAD}events:\n  - type: ConcernRaised\n    occurred: [2025-04-10..]\n    wording: [a, b]\n"
    quoted = 'YAML reads this as a list; write it in quotes: "[2025-04-10..]".'
    assert places(read(text)) == [(5, 15, "/events/0/occurred", quoted)]
    assert drafted(text) == [{"type": "ConcernRaised", "occurred": "[2025-04-10..]", "wording": ["a", "b"]}]


def test_a_file_with_mistakes_has_a_draft_and_no_body() -> None:
    file = read(f"{HEAD}events: []\ndate: 2025")
    assert file.draft == {"relation": "ru-us", "title": "A report", "events": []}
    with pytest.raises(
        NotAReport, match=r"^line 4, column 7: unknown field `[a-z]+`; rename it, or remove it; allowed: relation, "
    ):
        _ = file.body


MISTAKES = """\
relation: ru-us
title:
date: 2025-04-10
defaults:
  asserted_by: {party: MEDIA, channel: outlet}
  source: {document: A 4, paragraphs: [1], origin: o}
  summary: the same for all
sources:
  - publisher: Nobody
  - slug: a4
    publisher: Somebody
    paragraphs: many
events:
  - stream: irritant/visas
    type: ConcernRaised
    occurred: [2025..]
    summary: x
    summary: y
  - stream: irritant/visas
    type: ProposalTabled
    kind: plea
    addressee: &x US
    summary: *x
    source: {document: a4, paragraphs: [1, 0]}
  - stream: irritant/visas
    type: ConcernVoiced
  - nothing
"""


def test_all_mistakes_are_reported_at_once_with_their_places() -> None:
    file = read(MISTAKES)
    later = [(refusal.pointer, refusal.detail) for refusal in report.read(file.draft).mistakes]
    assert [place for *place, _ in places(file, *later)] == [
        [2, 7, "/title"],
        [3, 7, "/date"],
        [6, 22, "/defaults/source/document"],
        [7, 12, "/defaults/summary"],
        [9, 5, "/sources/0"],
        [12, 17, "/sources/1/paragraphs"],
        [16, 15, "/events/0/occurred"],
        [18, 14, "/events/0/summary"],
        [19, 5, "/events/1/terms"],
        [21, 11, "/events/1/kind"],
        [22, 16, "/events/1/addressee"],
        [23, 14, "/events/1/summary"],
        [24, 44, "/events/1/source/paragraphs/1"],
        [26, 11, "/events/2/type"],
        [27, 5, "/events/3"],
    ]


def test_a_missing_field_is_reported_at_the_object_that_lacks_it() -> None:
    file = read(f"{HEAD}sources:\n  - slug: a4\n    publisher: x\n    origins: [{{origin: o}}]\nevents:\n  - type: x\n")
    assert places(
        file,
        ("", "a"),
        ("/round", "b"),
        ("/events/0/sha256", "c"),
        ("/events/1/party", "d"),
        ("/events/2/stream", "e"),
        ("/events/7", "f"),
    ) == [
        (1, 1, "", "a"),
        (1, 1, "/round", "b"),
        (4, 5, "/sources/0/sha256", "c"),
        (6, 15, "/sources/0/origins/0/party", "d"),
        (8, 3, "/events/7", "f"),
        (8, 5, "/events/0/stream", "e"),
    ]


def test_a_refusal_at_the_place_of_a_mistake_is_not_reported_again() -> None:
    file = read(f"{HEAD}events:\n  - {{type: ConcernRaised, summary: &s x}}")
    assert places(file, ("/events/0/summary", "again")) == places(file)


ANOTHER_ENCODING = "this is UTF-16 or UTF-32; write it in UTF-8."
OTHER_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (b"", "line 1, column 1: the file is empty"),
        (b"\xef\xbb\xbf", "line 1, column 1: the file is empty"),
        (b"- a", "line 1, column 1: the file has no fields; write each as `name: value`. Allowed: relation, "),
        (b"---\n", "line 2, column 1: the file has no fields; write each as `name: value`. Allowed: relation, "),
        (b"relation: ru-us\ntitle: \xff", "line 2, column 8: the byte 0xFF is not UTF-8"),
        ("title: é\n".encode() + b"\xe9", "line 2, column 1: the byte 0xE9 is not UTF-8"),
        ("title: 😀".encode() + b"\xe9", "line 1, column 9: the byte 0xE9 is not UTF-8"),
        ("title: 😀".encode()[:-1], "line 1, column 8: the byte 0xF0 is not UTF-8"),
        (b"a: b\r\nc: \xe9", "line 2, column 4: the byte 0xE9 is not UTF-8"),
        (b"a: b\rc: \xe9", "line 2, column 4: the byte 0xE9 is not UTF-8"),
        (b"\xef\xbb\xbf\xff", "line 1, column 1: the byte 0xFF is not UTF-8"),
        (b"\xef\xbb\xbfrelation: \xff", "line 1, column 11: the byte 0xFF is not UTF-8"),
        ("\ufeff1: é".encode() + b"\xff", "line 1, column 5: the byte 0xFF is not UTF-8"),
        (b"\xef\xbb\xbfa: b: c", "line 1, column 5: not YAML"),
        (b"\xef\xbb\xbf{'a'}", "line 1, column 2: not JSON"),
        (b"\xef\xbb\xbf\xef\xbb\xbfa: b", "line 1, column 1: the invisible character U+FEFF"),
        *((HEAD.encode(encoding), f"line 1, column 1: {ANOTHER_ENCODING}") for encoding in OTHER_ENCODINGS),
        (b"a: b: c", "line 1, column 5: not YAML: "),
        (b" " * (MAX_BYTES + 1), "line 1, column 1: the file is larger than 16 MiB"),
    ],
)
def test_unreadable_files_are_refused(text: bytes, mistake: str) -> None:
    with pytest.raises(NotAReport) as refused:
        reportfile.read(text)
    assert str(refused.value).startswith(mistake)


def test_defaults_that_expand_beyond_the_limit_are_refused() -> None:
    events = "  - {type: ConcernRaised}\n" * 9_000
    with pytest.raises(
        NotAReport, match="the defaults are too long to repeat in 9000 events; the limit is 16 MiB: shorten"
    ):
        read(f"{HEAD}defaults:\n  inference: {'x' * 2_000}\nevents:\n{events}")


@pytest.mark.parametrize(
    ("part", "mistake"),
    [
        ("events: 7", "/events: must be a list"),
        ("events: {a: b}", "/events: must be a list"),
        (
            "events: [7, [8]]",
            "/events/0: must have fields, each written as `name: value`, not text; write the fields below",
        ),
        ("sources: 7", "/sources: must be a list"),
        ("sources: [7]", "/sources/0: must have fields, each written as `name: value`"),
        ("sources: [{publisher: x}]", "/sources/0: a source needs the field `slug`; use a short name"),
        ("sources: [{slug: [x], publisher: x}]", "/sources/0/slug: is not a slug; use a short name"),
        ("sources: [{slug: x, origins: 7}]", "/sources/0/origins: must be a list"),
        ("defaults: 7\nevents: []", "/defaults: must have fields, each written as `name: value`"),
        (
            "defaults: {wording: x}\nevents: []",
            "/defaults/wording: `wording` cannot have a default; write it in each event; allowed: asserted_by, ",
        ),
        ("key: [x]", "/key: must be text in one line, not a list; write it as `key: text`."),
        ("key: {a: b}", "/key: must be text in one line, not fields; write it as `key: text`."),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(part: str, mistake: str) -> None:
    first = read(HEAD + part).mistakes[0]
    assert f"{first.pointer}: {first.detail}".startswith(mistake)


def test_the_idempotency_key_is_given_or_made_of_relation_and_title() -> None:
    assert read(f"{HEAD}key: april").key == "april"
    assert read(HEAD).key == read(f"{HEAD}events: []").key == "ru-us-a-report-d9bc1c444dac"
    titles = ["A report", "A report!", "Отчёт", "Отчет", "x" * 300, "x" * 299]
    keys = [read(f"relation: ru-us\ntitle: {title}").key for title in titles]
    assert len(set(keys)) == len(titles)
    assert all(key.isascii() and len(key) <= 100 for key in keys)


def test_a_field_may_be_a_block_of_yaml() -> None:
    filed = event(
        """stream: |
      irritant/visas
    type: >-
      ConcernRaised
    summary: >
      Visas take
      a year
    source:
      paragraphs: [4]
""".replace("stream: |", "\n    stream: |")
    )
    assert filed == RAISED


MIB = 1 << 20
LARGE = {
    "one line": b"title: " + b"x" * (MAX_BYTES - 7),
    "one line of JSON": b'{"title": "' + b"x" * (MAX_BYTES - 13) + b'"}',
    "a list on one line": b"a: [" + b"x, " * (5 * MIB),
    "empty lines": b"\n" * MAX_BYTES,
    "an error after empty lines": b"\n" * (MAX_BYTES - 10) + b"a: b: c",
    "empty lines in JSON": b"{" + b"\n" * (MAX_BYTES - 2) + b"x",
    "empty lines of another kind": b"\r\n" * (MAX_BYTES // 2),
    "comments": b"#\n" * (8 * MIB),
    "spaces": b" " * MAX_BYTES,
    "open brackets": b"[" * MAX_BYTES,
    "open braces": b'{"a":' * (3 * MIB),
    "nested lists": b"- " * (8 * MIB),
    "a long anchor": b"a: &" + b"x" * (MAX_BYTES - 4),
    "anchors": b"".join(b"- &a%d x\n" % n for n in range(1_000_000)),
    "aliases": b"- *x\n" * (3 * MIB),
    "tags": b"- !x y\n" * (2 * MIB),
    "one key": b"a: 1\n" * (3 * MIB),
    "one key of JSON": b"{" + b'"a":1,' * (2 * MIB) + b'"a":1}',
    "many keys": b"".join(b"k%07d: 1\n" % n for n in range(1_300_000)),
    "quotes": b"a: '" + b"''" * (8 * MIB - 4),
    "escapes": b'a: "' + b"\\x41" * (4 * MIB - 4),
    "digits": b'{"a": ' + b"9" * (MAX_BYTES - 7) + b"}",
    "UTF-16": ("a: b\n" * MIB).encode("utf-16"),
    "no UTF-8 at the end": b"\n" * (MAX_BYTES - 1) + b"\xff",
    "astral": "a: 😀".encode() * (MIB * 2),
}
READS_IT = """
import resource, sys, time
from service import reportfile
began = time.process_time()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    mistakes = reportfile.read(sys.stdin.buffer.read()).all_mistakes([("/title", "is long")])
except reportfile.NotAReport as refused:
    mistakes = refused.mistakes
assert all(mistake.line >= 1 and mistake.column >= 1 and mistake.detail for mistake in mistakes)
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(len(mistakes), time.process_time() - began, used // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_file_of_16_mib_takes_at_most_10_seconds_and_400_mib(name: str) -> None:
    assert len(LARGE[name]) <= MAX_BYTES
    ended = subprocess.run([sys.executable, "-c", READS_IT], input=LARGE[name], capture_output=True, check=True)
    mistakes, seconds, mebibytes = ended.stdout.split()
    assert 1 <= int(mistakes) <= 1_010
    assert float(seconds) < 10
    assert int(mebibytes) < 400


def test_an_endless_file_is_read_to_the_limit() -> None:
    assert len(load(Path("/dev/zero"))) == MAX_BYTES + 1


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = "sleep 0.2; printf 'relation: ru-us\\n'; sleep 0.2; printf 'title: x\\n'"
    with subprocess.Popen(["sh", "-c", f"({program}) > {pipe}"]):
        assert load(pipe) == b"relation: ru-us\ntitle: x\n"


def test_a_pipe_that_no_program_opens_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reportfile, "PIPE_SECONDS", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(TimeoutError, match="no program wrote to this pipe for"):
        load(pipe)


def test_a_pipe_without_further_data_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reportfile, "PIPE_SECONDS", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, b"relation: ru-us\n")
    with pytest.raises(TimeoutError, match="no program wrote to this pipe for"):
        load(pipe)
    os.close(writer)


some = st.none() | st.text(max_size=5) | st.sampled_from(["ConcernRaised", "[2025..]", "relation"])
names = st.sampled_from(
    ["relation", "title", "events", "sources", "slug", "origins", "defaults", "source", "type", "stream", "expect"]
)
bodies = st.dictionaries(
    names, st.recursive(some, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=12), max_size=7
)


@given(st.text() | bodies.map(json.dumps))
def test_any_file_is_read_or_refused_and_every_mistake_has_a_place(text: str) -> None:
    try:
        file = reportfile.read(text.encode(errors="surrogatepass"))
    except NotAReport as refused:
        mistakes = refused.mistakes
    else:
        mistakes = file.all_mistakes((refusal.pointer, refusal.detail) for refusal in report.read(file.draft).mistakes)
    assert all(1 <= mistake.line <= len(text.splitlines()) + 1 and mistake.column >= 1 for mistake in mistakes)


def as_an_editor_sees_it(text: str) -> object:
    """Return the file with typed values and all its additions."""
    found = source_positions.read(text)
    assert isinstance(found.root.value, dict)
    written: dict[str, Any] = {}
    for name, node in found.root.value.items():
        kinds = {"defaults": fields_of("ConcernRaised"), "sources": fields_of("SourceRegistered")}
        if isinstance(node.value, list):
            written[name] = [
                json_value(entry, kinds.get(name) or fields_of(kind(entry)), found) for entry in node.value
            ]
        else:
            written[name] = json_value(node, kinds.get(name) or REPORT.get(name, REPORT["title"]), found)
    return written


def kind(entry: source_positions.Node) -> str:
    assert isinstance(entry.value, dict)
    return str(entry.value["type"].value)


EDITORS = jsonschema.Draft202012Validator(schema())
"""The validator that editors use. One test checks the schema itself."""


def test_the_schema_for_editors_is_valid_and_has_every_event_type() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    listed = schema()["properties"]["events"]["items"]["oneOf"]
    assert {choice["$ref"].rpartition("/")[2] for choice in listed} == set(EVENT_TYPES)


def test_the_schema_accepts_files_that_the_reader_accepts() -> None:
    text = f"""{HEAD}key: k
round: istanbul-april
expect: {{irritant/visas: 3}}
{DEFAULTS}
sources:
  - slug: a5
    publisher: x
    paragraphs: 7
    published: null
    origins:
      - {{origin: o, speaker: x, party: RU, channel: quote}}
events:
  - {{stream: irritant/visas, type: ConcernRaised, ref: a, summary: x, source: {{paragraphs: [5]}}}}
  - {{stream: round/istanbul-april, type: RoundConcluded, summary: x, hours: 6, qualifier: exact}}
  - {{stream: irritant/visas, type: AssertionCorrected, target: a, changes: {{hours: 7}}, reason: x}}
"""
    EDITORS.validate(as_an_editor_sees_it(text))


@pytest.mark.parametrize(
    "wrong",
    [
        "events: 7",
        "date: 2025",
        "events: [{stream: relation, type: ConcernVoiced}]",
        "events: [{type: ConcernRaised, summary: x}]",
        "events: [{stream: irritant/visas, type: ConcernRaised}]",
        "events: [{stream: irritant/visas, type: ConcernRaised, summary: x, unheard_of: y}]",
        "events: [{stream: irritant/visas, type: ProposalTabled, summary: x, kind: plea, addressee: US, terms: x}]",
        "sources: [{publisher: x}]",
        "defaults: {summary: x}",
    ],
)
def test_the_schema_refuses_files_that_the_reader_refuses(wrong: str) -> None:
    file = read(HEAD + wrong)
    assert file.all_mistakes((refusal.pointer, refusal.detail) for refusal in report.read(file.draft).mistakes)
    with pytest.raises(jsonschema.ValidationError):
        EDITORS.validate(json.loads(json.dumps(as_an_editor_sees_it(HEAD + wrong))))


def test_a_slug_that_is_not_valid_is_answered_with_the_one_that_is_meant() -> None:
    file = read("relation: ru-us\ntitle: T\nsources:\n  - {slug: A Readout, publisher: X}\n")
    assert [m.detail for m in file.mistakes] == [
        '"A Readout" is not a slug; use a short name in lower-case letters, digits and hyphens, such as a-readout.'
    ]


def test_an_empty_list_of_events_says_how_to_write_one() -> None:
    [mistake] = read("relation: ru-us\ntitle: T\nevents:\n").mistakes
    assert "each begun with `- `; in a template or draft, remove the `# ` in front" in mistake.detail
