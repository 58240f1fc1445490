"""The pure parts of the provider `openai`: names, attributes, errors, options."""

import pytest

from vectornator.errors import (
    Fatal,
    ProviderError,
    Rejected,
    Throttled,
    Transient,
    WrongOption,
)
from vectornator.model import Condition, Document, path_key
from vectornator.providers.openai import names
from vectornator.providers.openai.attributes import Rules, from_wire, to_filter, to_wire
from vectornator.providers.openai.failures import (
    Answer,
    Gone,
    Unanswered,
    Unsupported,
    explain,
    is_about_store,
    read_wish,
)
from vectornator.providers.openai.options import Options, StaticAttribute, read_options

MARK = {"vn_source": "example.org/a", "vn_target": "default", "vn_sha": "00"}


def name(path: str, run: str = "run", store: str = "vs_1", **metadata: str) -> str:
    """The upload name of a path."""
    return names.name_upload(path, {**MARK, **metadata}, (store, run)).text


@pytest.mark.parametrize(
    ("path", "start", "suffix", "kind"),
    [
        ("README.md", "README", ".md", "text/markdown"),
        ("docs/Guide.MD", "docs__Guide", ".md", "text/markdown"),
        ("docs/a.mdx", "docs__a.mdx", ".md", "text/markdown"),
        ("docs/a.rst", "docs__a.rst", ".txt", "text/plain"),
        ("conf.yaml", "conf.yaml", ".txt", "text/plain"),
        ("pyproject.toml", "pyproject.toml", ".txt", "text/plain"),
        ("n.ipynb", "n.ipynb", ".txt", "text/plain"),
        ("ui/App.tsx", "ui__App.tsx", ".txt", "text/plain"),
        ("src/app.ts", "src__app", ".ts", "application/typescript"),
        ("src/app.rb", "src__app", ".rb", "text/x-ruby"),
        ("index.htm", "index.htm", ".html", "text/html"),
        ("Dockerfile", "Dockerfile", ".txt", "text/plain"),
        (".gitignore", "gitignore", ".txt", "text/plain"),
        ('a "b" <c>.md', "a _b_ _c_", ".md", "text/markdown"),
        ("ünï/文書.md", "ünï__文書", ".md", "text/markdown"),
    ],
)
def test_names(path: str, start: str, suffix: str, kind: str) -> None:
    """A name shows the path, and has a suffix and a media type that retrieval takes."""
    found = names.name_upload(path, MARK, ("vs_1", "run"))
    assert (start, suffix, kind) == (found.text[: -17 - len(suffix)], suffix, found.type)
    assert found.text.endswith(suffix)


def test_names_differ() -> None:
    """No two paths, contents, targets, stores or runs share a name."""
    every = [
        name("a/b.md"),
        name("a__b.md"),
        name("a/b.md", vn_sha="01"),
        name("a/b.md", vn_target="other"),
        name("a/b.md", store="vs_2"),
        name("a/b.md", run="another"),
    ]
    assert len(set(every)) == len(every)
    assert name("a/b.md") == name("a/b.md")


def test_long_names_keep_their_end() -> None:
    """A name of a long path has at most 200 bytes, and the end of the path."""
    found = name("文書/" * 90 + "leaf.md")
    assert len(found.encode()) <= 200
    assert "__leaf." in found


def test_owner_is_read_from_a_name() -> None:
    """A name tells whose it is; a foreign one tells nothing."""
    assert names.read_owner(name("a.md")) == names.find_owner(MARK, "vs_1")
    assert [names.read_owner(it) for it in ("report.pdf", "a.0123456789abcdef", "")] == [""] * 3


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ("ünï".encode(), "ünï".encode()),
        (b"caf\xe9", "café".encode()),
        ("é".encode("utf-16"), "é".encode("utf-16")),
    ],
)
def test_text_is_sent_in_an_accepted_encoding(content: bytes, sent: bytes) -> None:
    """UTF-8 and UTF-16 pass untouched; anything else becomes UTF-8."""
    assert sent == names.encode_text(content, names.UploadName("a.md", "text/markdown"))
    pdf = names.UploadName("a.pdf", "application/pdf")
    assert content == names.encode_text(content, pdf)


ENVELOPE = {"type": "invalid_request_error", "param": None, "code": None}


def test_quota_is_final() -> None:
    """A server that says that money runs out is believed, even if it also says to try again."""
    answer = Answer.read(429, {"code": "insufficient_quota"}, {"x-should-retry": "true"})
    assert explain(answer, "POST /files").reason == "quota"


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (400, {"message": "File is empty."}, Rejected, "rejected"),
        (400, {"message": "Invalid extension vb. Supported"}, Unsupported, "rejected"),
        (400, {"message": "x", "code": "unsupported_file"}, Unsupported, "rejected"),
        (400, {"message": "Cannot find file file-1, or project"}, Gone, "rejected"),
        (400, {"message": "Invalid value: File f not found in vector store v"}, Gone, "rejected"),
        (400, {"message": "You have exceeded your file storage quota."}, Fatal, "quota"),
        (401, {"message": "Incorrect API key provided"}, Fatal, "auth"),
        (403, {"message": "Country not supported"}, Fatal, "auth"),
        (404, {"code": "404", "message": "Resource not found"}, Gone, "rejected"),
        (404, {"message": "Invalid URL (GET /v1/v2/vector_stores/x)"}, Fatal, "store"),
        (408, None, Unanswered, "unavailable"),
        (409, None, Unanswered, "unavailable"),
        (413, "<html>too large</html>", Rejected, "rejected"),
        (422, {"message": "Unprocessable"}, Rejected, "rejected"),
        (429, {"code": "rate_limit_exceeded"}, Throttled, "rate-limited"),
        (429, {"code": "slow_down"}, Throttled, "rate-limited"),
        (429, {"type": "insufficient_quota"}, Fatal, "quota"),
        (429, {"code": "credit_balance_exhausted"}, Fatal, "quota"),
        (500, {"message": "The server had an error"}, Unanswered, "unavailable"),
        (520, "<html></html>", Unanswered, "unavailable"),
        (308, None, Fatal, "store"),
    ],
)
def test_answers(status: int, body: object, kind: type[ProviderError], reason: str) -> None:
    """Each answer is sorted by what may still be done, in whatever shape it comes."""
    shapes = [body, {"error": body}]
    if isinstance(body, dict):
        shapes.append({"error": {**ENVELOPE, **body}})
    found = [explain(Answer.read(status, shape, {}), "POST /files") for shape in shapes]
    assert [(kind, reason)] * len(shapes) == [(type(one), one.reason) for one in found]


def test_limits_are_not_ambiguous() -> None:
    """A request that was refused for its rate was not carried out."""
    error = explain(Answer.read(429, None, {"Retry-After": "7"}), "POST /files")
    assert isinstance(error, Transient)
    assert (error.retry_after, isinstance(error, Unanswered)) == (7.0, False)


@pytest.mark.parametrize(
    ("message", "is_store"),
    [
        ("Vector store with id 'vs_1' not found.", True),
        ("No vector_store found", True),
        ("No file found with id 'file-1' in vector store 'vs_1'.", False),
        ("No such File object: file-1", False),
        ("Not found", False),
    ],
)
def test_what_is_missing(message: str, is_store: bool) -> None:
    """A missing store is told from a missing file in it."""
    error = explain(Answer(404, message), "POST /vector_stores/files")
    assert isinstance(error, Gone)
    assert is_store == is_about_store(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "121"}, 121.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "999999"}, 3600.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ],
)
def test_wishes(headers: dict[str, str], seconds: float | None) -> None:
    """What a server asks for is understood in every form, and nothing absurd is obeyed."""
    assert seconds == read_wish(headers, now=10.0)


def enrich(rules: Rules, path: str, text: str, **given: str) -> dict[str, str]:
    """What rules add to the attributes of a document."""
    enriched = rules.enrich(Document(path, "0" * 40), text.encode(), given)
    return dict(enriched.attributes)


@pytest.mark.parametrize(
    ("path", "text", "title"),
    [
        ("a.md", "intro\n# The title #\n# Other\n", "The title"),
        ("a.md", "---\ntitle: From matter\n---\n# Heading\n", "From matter"),
        ("a.md", "```\n# a comment\n```\n# Real\n", "Real"),
        ("a.md", "---\n: [broken\n---\n# Still\n", "Still"),
        ("a.py", "# a comment\n", None),
        ("a.md", "no heading\n", None),
    ],
)
def test_titles(path: str, text: str, title: str | None) -> None:
    """A title is what the front matter says, else the first heading."""
    assert title == enrich(Rules(), path, text).get("title")


def test_given_attributes_stay() -> None:
    """Nothing that is added takes the place of what was given."""
    rules = Rules(("path", "nr"), "", (StaticAttribute("", "vn_key", "no"),))
    given = {"path": "a.md", "vn_key": "1"}
    found = rules.enrich(Document("a.md", ""), b"---\npath: evil\nnr: 7\n---\n", given)
    assert found.attributes == {**given, "nr": "7"}


def test_what_does_not_fit_is_named() -> None:
    """Keys beyond 16 are left out, long values cut, and both are reported."""
    static = tuple(StaticAttribute("", f"k{number}", "v") for number in range(20))
    given = {"path": "a.md"}
    found = Rules(static=static).enrich(Document("a.md", ""), b"# " + b"t" * 400, given)
    assert len(found.attributes) == 16
    assert len(found.attributes["title"]) == 256
    assert found.cut == ("title", *(f"k{number}" for number in range(14, 20)))


@pytest.mark.parametrize("length", [1, 256, 257, 700, 1024])
def test_long_values_travel_in_parts(length: int) -> None:
    """A long path is kept in parts of 256 characters and put together again."""
    attributes = {"path": "x" * length, "vn_key": "k"}
    wire = to_wire(attributes)
    assert max(map(len, wire.values())) <= 256
    assert attributes == from_wire(wire)


def test_a_condition_is_a_comparison() -> None:
    """One condition is asked for as it is, several together."""
    team = {"type": "eq", "key": "team", "value": "blue"}
    lang = {"type": "ne", "key": "lang", "value": "en"}
    where = (Condition("team", "blue"), Condition("lang", "en", is_negated=True))
    assert ({}, team, {"type": "and", "filters": [team, lang]}) == (
        to_filter([]),
        to_filter(where[:1]),
        to_filter(where),
    )


@pytest.mark.parametrize(("is_negated", "words"), [(False, ("and", "eq")), (True, ("or", "ne"))])
def test_a_condition_on_a_long_value(is_negated: bool, words: tuple[str, str]) -> None:
    """A value that travels in parts is compared part by part."""
    found = to_filter([Condition("vn_source", "x" * 256 + "y", is_negated)])
    parts = [("vn_source", "x" * 256), ("vn_source__2", "y")]
    filters = [{"type": words[1], "key": key, "value": value} for key, value in parts]
    assert found == {"type": words[0], "filters": filters}


@pytest.mark.parametrize("length", [256, 5000])
def test_a_condition_on_a_long_path(length: int) -> None:
    """A path that is cut off, or may be, is told by its hash."""
    path = "x" * length
    assert to_filter([Condition("path", path)]) == {
        "type": "eq",
        "key": "vn_key",
        "value": path_key(path),
    }


def test_foreign_attributes() -> None:
    """Whatever another program keeps is read as text, and nothing of it is joined."""
    wire = {"a": 1.0, "b": True, "c": None, "d": "x", "d__2": "y", "e": 1.5}
    expected = {"a": "1", "b": "true", "d": "x", "d__2": "y", "e": "1.5"}
    assert expected == from_wire(wire)
    assert from_wire(None) == from_wire([]) == {}


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("attach-mode", "both", "choose auto, batch or single"),
        ("purpose", "vision", "choose assistants or user_data"),
        ("chunk-size", "99", "from 100 to 4096"),
        ("chunk-overlap", "401", "from 0 to 400"),
        ("expires-after", "366", "from 1 to 365"),
        ("base-url", "example.com", "give one such as"),
        ("base-url", "https://key@example.com", "without a key"),
        ("url-template", "https://x/{slug}", "use dir, name, path"),
        ("url-template", "https://x/{", "can't be read"),
        ("attributes", "product", "PATTERN:KEY=VALUE"),
        ("attributes", "vn_key=x", "Vectornator's own"),
    ],
)
def test_wrong_options(name: str, value: str, complaint: str) -> None:
    """A wrong option is named, with what would be right; nothing ran, as the exit code says."""
    with pytest.raises(WrongOption, match=complaint) as caught:
        read_options({name: value})
    assert (caught.value.exit_code, caught.value.reason) == (2, "config")


def test_options() -> None:
    """Options are read from text; those not given have the service's own defaults."""
    assert read_options({}) == Options()
    found = read_options({"chunk-size": "400", "attributes": "docs/**:a=b=c\nlang=en"})
    sizes = {"max_chunk_size_tokens": 400, "chunk_overlap_tokens": 200}
    assert found.chunking == {"type": "static", "static": sizes}
    assert found.attributes == (
        StaticAttribute("docs/**", "a", "b=c"),
        StaticAttribute("", "lang", "en"),
    )
