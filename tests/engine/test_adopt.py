"""Taking over what a store holds of another source: explicit, in place, and nothing else."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from hashlib import md5
from pathlib import Path

import pytest

from tests.openai_server import Clock, OpenAIServer
from tests.support.lab import Lab
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.adoption import Fate
from vectornator.errors import Refused, SettingsError
from vectornator.model import RemoteFile
from vectornator.providers.memory import Copy, Shelf
from vectornator.testing.faults import DiesAfter

OLD, NEW = "example.com/old/docs", "example.com/new/docs"
FIRST = {"a.md": b"# A\n", "docs/b.md": b"# B\n", "docs/c.md": b"# C\n"}


def move(lab: Lab) -> None:
    """Sync under the old name; from then on the repository has a new one."""
    lab.settings = lab.settings.model_copy(update={"remote": "none"})
    lab.repo.run("remote", "add", "origin", f"https://{OLD}.git")
    lab.sync()
    lab.repo.run("remote", "set-url", "origin", f"https://{NEW}.git")


def add_copy(lab: Lab, attributes: dict[str, str], content: bytes) -> str:
    """Put a copy that we did not store into the store."""
    number = next(lab.server.numbers)
    file = RemoteFile(f"theirs-{number}", attributes, len(content), float(number))
    lab.server.shelves[lab.store_id].copies[file.file_id] = Copy(file, content)
    return file.file_id


def write_original(path: str, content: bytes) -> dict[str, str]:
    """The attributes that the original gave a copy."""
    digest = md5(content, usedforsecurity=False).hexdigest()
    return {
        "path": path,
        "hash": digest,
        "size": str(len(content)),
        "lastModified": "2025-07-07T11:11:00Z",
        "mimeType": "text/markdown",
        "encoding": "utf-8",
        "provider": "openai",
        "uploadedAt": "2025-07-07T11:11:00Z",
        "storeId": "vs_1",
        "full_path": path,
        "modified_date": "2025-07-07",
        "mime_type": "text/markdown",
    }


def assert_settled(lab: Lab, expected: dict[str, bytes]) -> None:
    """Hold the store against what must be in it, and see that nothing is left to do."""
    assert (expected, len(expected)) == (lab.contents, lab.copies)
    assert ("no-changes", []) == (lab.sync().status, lab.calls())
    assert lab.verify().is_in_line


def test_moved_repository_is_adopted_in_place(lab: Lab) -> None:
    """After a move every copy costs one request for its attributes, and nothing is sent."""
    move(lab)
    adopted = lab.adopt(OLD)
    assert ["change_attributes"] * 3 == [method for method, _ in lab.calls()]
    assert [Fate.KEPT] * 3 == [claim.fate for claim in adopted.adoption.claims]
    assert ("no-changes", []) == (lab.sync().status, lab.calls())
    assert_settled(lab, FIRST)


def test_documents_that_changed_since_the_move_are_updated(lab: Lab) -> None:
    """Only what changed is sent, what was renamed is not, and what is gone goes."""
    move(lab)
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": None, "n.md": "# B\n", "docs/c.md": None})
    fates = {claim.path: claim.fate for claim in lab.adopt(OLD).adoption.claims}
    assert {"a.md": Fate.SENT, "n.md": Fate.KEPT, "docs/c.md": Fate.REMOVED} == fates
    lab.sync()
    assert [("update_file", "a.md")] == lab.calls("upload_file", "update_file")
    assert_settled(lab, {"a.md": b"# A2\n", "n.md": b"# B\n"})


def test_dry_run_changes_nothing(lab: Lab) -> None:
    """A dry run shows what would be adopted, and changes neither store nor ledger."""
    move(lab)
    before = lab.read_tree()
    adopted = lab.adopt(OLD, dry_run=True)
    assert (3, [], before) == (len(adopted.adoption.claims), lab.calls(), lab.read_tree())
    assert [] == lab.calls("write_mark")


@pytest.mark.parametrize("calls", range(2, 14))
def test_killed_adoption_is_finished_by_another(lab: Lab, calls: int) -> None:
    """An adoption that is killed at any call is ended by running it again."""

    class Killed(BaseException):
        """Stands for a process that was killed."""

    move(lab)
    lab.wrap = lambda provider: DiesAfter(provider, calls, Killed())
    with suppress(Killed):
        lab.adopt(OLD, concurrency=1)
    lab.wrap = lambda provider: provider
    lab.adopt(OLD)
    lab.sync()
    assert [] == lab.calls()
    assert_settled(lab, FIRST)


def test_two_repositories_become_one(lab: Lab, tmp_path: Path) -> None:
    """Copies of a repository that was merged move to where their content is now."""
    lab.settings = lab.settings.model_copy(update={"remote": "none", "source_id": NEW})
    lab.sync()
    other = Lab(GitRepo.init(tmp_path / "other"), lab.server)
    other.settings = lab.settings.model_copy(
        update={"store_id": lab.store_id, "source_id": OLD, "store_name": ""}
    )
    other.repo.commit({"a.md": "# Their A\n", "x.md": "# X\n", "docs/c.md": "# C\n"})
    other.sync()
    lab.repo.commit({"other/a.md": "# Their A\n", "other/x.md": "# X\n"})
    adoption = lab.adopt(OLD).adoption
    assert {"other/a.md", "other/x.md"} == {claim.path for claim in adoption.claims}
    assert ["docs/c.md"] == [claim.path for claim in adoption.conflicts]
    lab.sync()
    assert [] == lab.calls()
    assert 6 == lab.copies
    assert {*FIRST, "other/a.md", "other/x.md"} == set(lab.contents)


def test_renamed_target_is_adopted(lab: Lab) -> None:
    """A target that is called otherwise keeps its copies, and its own ledger begins."""
    lab.settings = lab.settings.model_copy(update={"remote": "none", "source_id": NEW})
    lab.sync()
    lab.adopt(f"{NEW}/default", target="public", store_id=lab.store_id)
    lab.settings = lab.settings.model_copy(update={"target": "public"})
    lab.sync()
    assert [] == lab.calls()
    assert_settled(lab, FIRST)


def test_former_source_that_syncs_again_takes_nothing_back(lab: Lab, tmp_path: Path) -> None:
    """A source whose copies were adopted finds them gone, and stores its own."""
    move(lab)
    other = Lab(GitRepo.clone(lab.repo.root, tmp_path / "other"), lab.server)
    other.settings = lab.settings.model_copy(update={"source_id": OLD})
    other.repo.run("fetch", "--quiet", "origin", "refs/notes/*:refs/notes/*")
    lab.adopt(OLD)
    other.sync()
    assert 6 == lab.copies
    assert ("no-changes", []) == (lab.sync(refresh="always").status, lab.calls())


def test_copies_of_the_original_are_adopted(lab: Lab) -> None:
    """What the original stored of the same content stays; other content is sent anew."""
    lab.server.shelves["old"] = Shelf()
    lab.settings = lab.settings.model_copy(update={"store_id": "old", "store_name": ""})
    ids = [add_copy(lab, write_original(path, it), it) for path, it in FIRST.items()]
    stale = add_copy(lab, write_original("docs/b.md", b"# Old\n"), b"# Old\n")
    human = add_copy(lab, {"path": "a.md"}, b"by hand")
    elsewhere = add_copy(lab, write_original("else.md", b"else"), b"else")
    lab.repo.commit({"a.md": "# A2\n"})
    adoption = lab.adopt("original").adoption
    assert {Fate.KEPT: 2, Fate.SENT: 1} == Counter(claim.fate for claim in adoption.claims)
    assert [stale] == [claim.file.file_id for claim in adoption.conflicts]
    lab.sync()
    assert [("update_file", "a.md")] == lab.calls("upload_file", "update_file")
    held = lab.server.shelves["old"].copies
    assert {ids[1], ids[2], stale, human, elsewhere} < held.keys()
    assert ids[0] not in held
    assert ("no-changes", []) == (lab.sync(refresh="always").status, lab.calls())


def test_original_below_a_directory(lab: Lab) -> None:
    """The original's paths are relative to its directory; ours are not."""
    lab.server.shelves["old"] = Shelf()
    changes = {"store_id": "old", "store_name": "", "directory": "docs"}
    lab.settings = lab.settings.model_copy(update=changes)
    add_copy(lab, write_original("b.md", b"# B\n"), b"# B\n")
    add_copy(lab, write_original("c.md", b"# C\n"), b"# C\n")
    lab.adopt("original")
    lab.sync()
    assert [] == lab.calls()
    assert_settled(lab, {path: it for path, it in FIRST.items() if path != "a.md"})


def test_unfinished_source_is_not_adopted(lab: Lab, tmp_path: Path) -> None:
    """Copies of another repository whose last run did not finish need leave to be adopted."""
    lab.settings = lab.settings.model_copy(update={"remote": "none", "source_id": NEW})
    lab.sync()
    other = Lab(GitRepo.init(tmp_path / "other"), lab.server)
    changes = {"store_id": lab.store_id, "source_id": OLD, "store_name": ""}
    other.settings = lab.settings.model_copy(update=changes)
    other.repo.commit({f"{number}.md": f"# {number}\n" for number in range(5)})
    other.witness.on_settled = lambda _: other.stop.set()
    other.sync(concurrency=1)
    with pytest.raises(Refused, match="--allow-unfinished") as refusal:
        lab.adopt(OLD)
    assert ("unfinished", []) == (refusal.value.reason, lab.calls())
    assert lab.adopt(OLD, allow_unfinished=True).is_whole


@pytest.mark.parametrize("former", ["", "example.com/tpyo"])
def test_what_the_store_does_not_name_is_refused(lab: Lab, former: str) -> None:
    """A source that the store holds nothing of is refused, with those that it does."""
    move(lab)
    with pytest.raises(SettingsError, match=f"{OLD}/default"):
        lab.adopt(former)
    assert [] == lab.calls()


def test_ledger_is_adopted_with_its_own_copies_only(lab: Lab) -> None:
    """Another target's copies don't make the ledger of a moved repository ours."""
    move(lab)
    lab.sync(target="other", source_id=OLD, store_id=lab.store_id)
    with pytest.raises(Refused, match=f"--from {OLD}"):
        lab.adopt(f"{OLD}/other")
    assert [] == lab.calls()


def test_adopting_twice_does_nothing_more(lab: Lab) -> None:
    """A second adoption changes nothing, and says that nothing is left."""
    move(lab)
    lab.adopt(OLD)
    again = lab.adopt(OLD)
    assert ((), [], []) == (again.adoption.claims, lab.calls(), lab.calls("write_mark"))
    assert "holds nothing of" in again.remarks[0]


def test_mark_with_the_key_of_another_path_is_not_adopted(lab: Lab) -> None:
    """A copy whose key is not of its path is nobody's to adopt."""
    move(lab)
    shelf = lab.server.shelves[lab.store_id]
    copy = next(iter(shelf.copies.values()))
    attributes = {**copy.file.attributes, "path": "../../etc/passwd"}
    file = replace(copy.file, file_id="odd", attributes=attributes)
    shelf.copies["odd"] = replace(copy, file=file)
    lab.adopt(OLD)
    lab.sync()
    assert attributes == shelf.copies["odd"].file.attributes


def test_openai_takes_one_request_a_file(tmp_path: Path) -> None:
    """On OpenAI an adoption costs one request for each file, and the mark of the former goes."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({f"{number}.md": f"# {number}\n" for number in range(12)})
    with OpenAIServer(clock=Clock(scale=0, tick=0.05)) as server:
        lab = OpenAILab(repo, server)
        lab.sync(source_id=OLD)
        files = dict(server.state.files)
        lab.settings = lab.settings.model_copy(update={"source_id": NEW})
        assert lab.adopt(OLD).is_whole
        changed = [one.route for one in server.ledger.of() if one.method != "GET"]
        expected = {"vector_stores.files.update": 12, "vector_stores.update": 3}
        assert expected == Counter(changed)
        assert 1 == sum("run-" in key for key in lab.store.metadata)
        assert "no-changes" == lab.sync(refresh="always").status
        assert files == server.state.files
