"""The provider people copy."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vectornator.errors import Fatal, Rejected
from vectornator.providers.base import ProviderConfig, VectorStoreProvider
from vectornator.providers.example import ExampleProvider
from vectornator.testing import ProviderSuite
from vectornator.testing.steps import listing, make_document, store


class TestExampleProvider(ProviderSuite):
    """The example provider keeps the contract."""

    sizes = (0, 1, 1_000, 1_000_000)
    wrong_config = ProviderConfig(store_id="../../etc")

    @pytest.fixture
    def make_provider(self) -> Callable[[], VectorStoreProvider]:
        """Return what makes a provider; all share the folder below `tmp_path`."""
        return ExampleProvider

    def read_content(self, provider: VectorStoreProvider, file_id: str) -> bytes:
        """Read the file."""
        assert isinstance(provider, ExampleProvider)
        return (provider._copies / file_id / "content").read_bytes()


@pytest.fixture
def provider(tmp_path: Path) -> ExampleProvider:
    """Return a provider with an empty store in a folder."""
    provider = ExampleProvider()
    provider.initialize(ProviderConfig(root=tmp_path))
    provider.create_store("docs")
    return provider


def start_uploader(provider: ExampleProvider, count: int) -> "subprocess.Popen[str]":
    """Start a process that uploads `count` documents and prints the id of each."""
    code = f"""if True:
        from pathlib import Path
        from vectornator.providers.base import ProviderConfig
        from vectornator.providers.example import ExampleProvider
        from vectornator.testing.steps import store
        provider = ExampleProvider()
        root = Path({str(provider.config.root)!r})
        provider.initialize(ProviderConfig(root=root, store_id={provider.store_id!r}))
        for number in range({count}):
            print(store(provider, f"{{number}}.md", b"x" * 300_000), flush=True)
    """
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_a_kill_leaves_whole_copies(provider: ExampleProvider) -> None:
    """A process killed while it uploads leaves whole copies and nothing half."""
    with start_uploader(provider, 1_000_000) as uploader:
        assert uploader.stdout is not None
        printed = [uploader.stdout.readline().strip() for _ in range(20)]
        uploader.kill()
    stored = listing(provider)
    assert set(printed) <= set(stored)
    assert {file.size for file in stored.values()} == {300_000}
    assert all(file.path and file.attributes["vn_key"] for file in stored.values())


def test_two_processes_share_a_store(provider: ExampleProvider) -> None:
    """Two processes that upload at the same time lose nothing."""
    with start_uploader(provider, 25) as one, start_uploader(provider, 25) as two:
        printed = [*one.communicate()[0].split(), *two.communicate()[0].split()]
    assert sorted(printed) == sorted(listing(provider))
    assert len(set(printed)) == 50


def test_hostile_metadata_stay_inside(provider: ExampleProvider, tmp_path: Path) -> None:
    """No attribute and no mark decides where a file is written."""
    hostile = {"path": "../../evil", "vn_key": "/etc/passwd", "../../x": "\0", "file_id": "../y"}
    before = [path.name for path in tmp_path.iterdir()]
    file_id = provider.upload_file(make_document("../../../evil", b""), b"", hostile)
    for name, words in hostile.items():
        provider.change_mark(name, lambda was, words=words: was + words)  # type: ignore[misc]
    assert listing(provider)[file_id].attributes == hostile
    assert before == [path.name for path in tmp_path.iterdir()]
    assert len(list((provider._stores / provider.store_id).rglob("*"))) == 7


@pytest.mark.parametrize("file_id", ["", ".", "..", "../mark.json", "/", "A" * 32, "a" * 33])
def test_hostile_ids_reach_nothing(provider: ExampleProvider, file_id: str) -> None:
    """What is no id of ours names no copy, wherever it would lead."""
    kept = store(provider, "a.md")
    provider.change_mark("state", lambda _: "clean")
    provider.delete_file(file_id)
    assert provider.describe_file(file_id) is None
    with pytest.raises(Rejected):
        provider.change_attributes(file_id, {})
    assert (list(listing(provider)), provider.read_mark()) == ([kept], {"state": "clean"})


@pytest.mark.parametrize("damage", ["", "[]", "{", "\udc80"])
def test_damaged_sidecar_ends_the_listing(provider: ExampleProvider, damage: str) -> None:
    """A listing that meets a damaged file raises: a copy is never left out."""
    sidecar = provider._copies / store(provider, "a.md") / "attributes.json"
    sidecar.write_bytes(damage.encode(errors="surrogateescape"))
    with pytest.raises(Fatal, match="damaged"):
        listing(provider)


def test_unusable_folder(tmp_path: Path) -> None:
    """A folder that can't be used is named in the error."""
    (tmp_path / "file").write_text("")
    provider = ExampleProvider()
    provider.initialize(ProviderConfig(root=tmp_path, options={"path": "file"}))
    with pytest.raises(Fatal, match="Not a directory"):
        provider.create_store("docs")


def test_a_copy_removed_while_listing(provider: ExampleProvider) -> None:
    """A copy that another process removes during a listing is just not listed."""
    first, last = sorted([store(provider, "a.md"), store(provider, "b.md")])
    files = provider.list_files()
    assert next(files).file_id == first
    provider.delete_file(last)
    assert list(files) == []


def test_nothing_is_left_behind(provider: ExampleProvider) -> None:
    """Uploading, updating, renaming and deleting leave no drafts."""
    file_id = store(provider, "a.md")
    provider.change_attributes(file_id, {"path": "b.md"})
    with pytest.raises(Rejected):
        provider.change_attributes("f" * 32, {})
    provider.delete_file(file_id)
    assert list(provider._tmp.iterdir()) == []
