"""Whole runs against the imitation server: what they cost, and what they leave behind."""

import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from benchmarks.plants import KINDS, Mint
from tests.openai_server import OpenAIServer, make_fault
from tests.openai_server.ledger import Record
from tests.openai_server.state import State
from tests.support.issuer import Issuer
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.errors import Fatal, Refused, Transient
from vectornator.marks import make_run
from vectornator.providers.layers import RetryPolicy

MARKING = {"vector_stores.retrieve": 4, "vector_stores.update": 2}
"""What a run that changes something asks about the store: once to verify it, and to mark it
dirty and clean one look and one write each; several targets share the mark, so that a look
follows to see whether another run wrote over it."""

SENDING = {**MARKING, "vector_stores.retrieve": 5}
"""The same of a run that sends something: it also looks whether another one is at work."""


@pytest.fixture
def lab(tmp_path: Path, server: OpenAIServer) -> OpenAILab:
    """A repository with three documents, and a store that holds them."""
    repo = GitRepo.init(tmp_path / "repo")
    repo.commit({"a.md": "# A\n", "docs/b.md": "# B\n", "docs/c.md": "# C\n"})
    lab = OpenAILab(repo, server)
    lab.sync()
    return lab


def make_documents(number: int) -> dict[str, str | bytes | None]:
    """So many documents, no two alike."""
    return {f"new/{index}.md": f"# Number {index}\n" for index in range(number)}


def count_settling(lab: OpenAILab) -> int:
    """Take the polls out of the counts, whose number is the server's affair, and return it."""
    return lab.requests["vector_stores.file_batches.retrieve"]


def test_first_run(lab: OpenAILab) -> None:
    """The documents are in the store under readable names, and nothing else is anywhere."""
    assert {"a.md": b"# A\n", "docs/b.md": b"# B\n", "docs/c.md": b"# C\n"} == lab.contents
    names = sorted(one.file.filename for one in lab.attachments)
    assert ["a.", "docs__b.", "docs__c."] == [name[:-19] for name in names]
    assert lab.strays == []


def test_secret_sends_no_byte(lab: OpenAILab) -> None:
    """A run that is refused for a secret has asked for the store, and sent nothing at all."""
    lab.repo.commit({"a.md": f"# A\n\n{KINDS['OPENSSH_KEY'](Mint(2))}\n", "new.md": "# New\n"})
    with pytest.raises(Refused, match=r"a\.md:3 \(private-key\)"):
        lab.sync()
    assert {"vector_stores.retrieve": 1} == lab.requests


def test_no_op_costs_one_request(lab: OpenAILab) -> None:
    """A run that has nothing to do asks once whether the store is there."""
    assert lab.sync().status == "no-changes"
    assert lab.requests == {"vector_stores.retrieve": 1}


def test_reported_requests_are_those_that_were_made(lab: OpenAILab) -> None:
    """The record counts what the server saw, pages and all, and not the calls of the contract."""
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": None, "new.md": "# New\n"})
    record = lab.sync()
    assert record.requests == len(lab.server.ledger.of())


@pytest.mark.parametrize("number", [2, 150, 1100])
def test_adding(lab: OpenAILab, number: int) -> None:
    """A documents cost A uploads, an attaching for every 500, and a page for every 100."""
    lab.repo.commit(make_documents(number))
    assert lab.sync(concurrency=8).status == "synced"
    batches = [500] * (number // 500) + [number % 500]
    assert lab.requests == {
        **SENDING,
        "files.create": number,
        "vector_stores.file_batches.create": len(batches),
        "vector_stores.file_batches.retrieve": count_settling(lab),
        "vector_stores.file_batches.list_files": sum(-(-size // 100) for size in batches),
    }


def test_updating(lab: OpenAILab) -> None:
    """An update costs two requests more than an upload; the old copies are proved by one page."""
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n"})
    assert lab.sync().status == "synced"
    assert lab.requests == {
        **SENDING,
        "files.create": 2,
        "vector_stores.file_batches.create": 1,
        "vector_stores.file_batches.retrieve": count_settling(lab),
        "vector_stores.file_batches.list_files": 1,
        "vector_stores.files.list": 1,
        "vector_stores.files.delete": 2,
        "files.delete": 2,
    }
    assert (len(lab.attachments), lab.strays) == (3, [])


def test_deleting(lab: OpenAILab) -> None:
    """A delete costs two requests; all together are proved ours by one page."""
    lab.repo.commit({"a.md": None, "docs/b.md": None})
    assert lab.sync().status == "synced"
    assert lab.requests == {
        **MARKING,
        "vector_stores.files.list": 1,
        "vector_stores.files.delete": 2,
        "files.delete": 2,
    }


def test_renaming(lab: OpenAILab) -> None:
    """A rename costs one change of attributes, and a look at whose the copy is."""
    lab.repo.run("mv", "a.md", "z.md")
    lab.repo.commit()
    assert lab.sync().status == "synced"
    assert lab.requests == {
        **MARKING,
        "vector_stores.files.retrieve": 1,
        "vector_stores.files.update": 1,
    }
    assert sorted(lab.contents) == ["docs/b.md", "docs/c.md", "z.md"]


def test_renaming_to_another_type(lab: OpenAILab) -> None:
    """The type is told by the upload name, which never changes: another one is an upload."""
    lab.repo.run("mv", "a.md", "a.py")
    lab.repo.commit()
    assert lab.sync(patterns=("**/*.md", "**/*.py")).status == "synced"
    assert (lab.requests["files.create"], lab.requests["files.delete"]) == (1, 1)
    served = {(one.attributes or {})["path"]: one.file.filename[-3:] for one in lab.attachments}
    assert served == {"a.py": ".py", "docs/b.md": ".md", "docs/c.md": ".md"}


@pytest.mark.parametrize(
    ("number", "rules"),
    [
        (250, {"url_template": "https://example.com/{path}"}),
        (3, {"front_matter": ("tags",)}),
        (3, {"attributes": ("docs/**:team=blue",)}),
    ],
)
def test_other_rules_for_attributes(lab: OpenAILab, number: int, rules: dict[str, object]) -> None:
    """Rules for attributes cost one request for each document, and a page for every hundred."""
    lab.repo.commit(make_documents(number - 3))
    lab.sync()
    files = set(lab.server.state.files)
    record = lab.sync(**rules)
    assert (record.status, record.counts["relabelled"]) == ("synced", number)
    assert lab.requests == {
        **MARKING,
        "vector_stores.files.list": -(-number // 100),
        "vector_stores.files.update": number,
    }
    assert files == set(lab.server.state.files)
    assert lab.sync(**rules).status == "no-changes"


def test_other_chunks_are_another_upload(lab: OpenAILab) -> None:
    """What is stored for the same bytes depends on chunking: no attribute says otherwise."""
    record = lab.sync(chunk_size=400)
    assert (record.counts["updated"], lab.requests["files.create"]) == (3, 3)


def test_relabelling_that_is_cut_short(lab: OpenAILab) -> None:
    """The run after one that was stopped changes what is left, once."""

    def stop(_: State, record: Record) -> None:
        if record.route == "vector_stores.files.update":
            lab.stop.set()

    lab.server.watch(stop)
    assert lab.sync(attributes=("team=blue",), concurrency=1).status == "interrupted"
    done = sum("team" in (one.attributes or {}) for one in lab.attachments)
    lab.server.app.watchers.clear()
    lab.stop.clear()
    assert lab.sync(attributes=("team=blue",)).counts["relabelled"] == 3 - done
    assert {(one.attributes or {}).get("team") for one in lab.attachments} == {"blue"}


def test_service_that_keeps_old_attributes(lab: OpenAILab) -> None:
    """Where a change of attributes changes nothing, documents are sent anew, and old copies go."""
    lab.server.add_fault(make_fault("attributes-fixed", count=None))
    lab.repo.run("mv", "a.md", "z.md")
    lab.repo.commit()
    assert lab.sync(attributes=("team=blue",)).status == "synced"
    assert sorted(lab.contents) == ["docs/b.md", "docs/c.md", "z.md"]
    assert {(one.attributes or {})["team"] for one in lab.attachments} == {"blue"}
    assert (lab.strays, lab.sync(attributes=("team=blue",)).status) == ([], "no-changes")


def test_updates_are_never_missing(lab: OpenAILab) -> None:
    """After every request of a run each updated path has a version that search finds."""
    missing: list[str] = []

    def look(state: State, record: Record) -> None:
        [store] = state.stores.values()
        now = lab.server.clock.now()
        found = {
            (one.attributes or {}).get("path")
            for one in store.attachments.values()
            if one.status(now) == "completed"
        }
        missing.extend(f"{record.route}: {path}" for path in {"a.md", "docs/b.md"} - found)

    lab.server.watch(look)
    lab.repo.commit({"a.md": "# A2\n", "docs/b.md": "# B2\n"})
    assert lab.sync().status == "synced"
    assert missing == []


def test_foreign_files_are_left_alone(lab: OpenAILab) -> None:
    """A File that the ledger calls ours, and that does not say so itself, is not deleted."""
    with lab.server.lock:
        victim = next(one for one in lab.attachments if (one.attributes or {})["path"] == "a.md")
        victim.attributes = {"team": "blue"}
    lab.repo.commit({"a.md": None})
    lab.sync()
    assert victim.file.id in lab.store.attachments
    assert victim.file.id in lab.server.state.files


def test_store_is_found_by_name(lab: OpenAILab) -> None:
    """A run that has lost its notes uses the store of that name, and adopts what is in it."""
    lab.repo.run("update-ref", "-d", "refs/notes/vectornator")
    assert lab.sync().status == "no-changes"
    assert lab.requests.keys() & {"vector_stores.create", "files.create"} == set()
    assert lab.contents == {"a.md": b"# A\n", "docs/b.md": b"# B\n", "docs/c.md": b"# C\n"}


def test_plan_without_a_key(lab: OpenAILab) -> None:
    """A plan needs no key where the ledger says enough; a sync says what is missing."""
    lab.repo.commit({"a.md": "# A2\n"})
    record = lab.plan(api_key=SecretStr(""))
    assert (record.status, len(record.plan.updates)) == ("planned", 1)
    assert lab.requests == {}
    with pytest.raises(Fatal, match="set OPENAI_API_KEY") as caught:
        lab.sync(api_key=SecretStr(""))
    assert caught.value.reason == "auth"


def test_expired_store(lab: OpenAILab) -> None:
    """A store that expired is no place to sync to; the message says so."""
    with lab.server.lock:
        lab.store.expires_days = 1
    lab.server.clock.advance(3 * 86_400)
    with pytest.raises(Fatal, match="has expired"):
        lab.sync()


def test_expired_store_is_replaced(lab: OpenAILab) -> None:
    """With another name given, a new store takes the place of one that expired."""
    old = lab.store
    with lab.server.lock:
        old.expires_days = 1
    lab.server.clock.advance(3 * 86_400)
    with pytest.raises(Fatal, match="has expired"):
        lab.verify()
    record = lab.sync(store_name="docs anew")
    assert record.status == "synced"
    assert record.store_id != old.id
    assert f"The store {old.id} has expired." in record.remarks


def test_attributes_of_a_document(lab: OpenAILab) -> None:
    """A document carries its title, URL, chosen front matter and static attributes."""
    text = "---\ntitle: Install it\ntags: [cli, docs]\nsecret: x\n---\n# Other\n"
    lab.repo.commit({"docs/install.md": text})
    lab.sync(
        front_matter=("tags",),
        url_template="https://example.com/{path_without_suffix}",
        attributes=("docs/**:product=cli", "lang=en"),
    )
    by_path = {(one.attributes or {})["path"]: one.attributes or {} for one in lab.attachments}
    found = by_path["docs/install.md"]
    own = {key: it for key, it in found.items() if key != "path" and not key.startswith("vn_")}
    assert own == {
        "title": "Install it",
        "url": "https://example.com/docs/install",
        "product": "cli",
        "lang": "en",
        "tags": "cli, docs",
    }
    assert "product" not in by_path["a.md"]


def stop_at(lab: OpenAILab, route: str) -> None:
    """Ask the next run to stop as soon as it has used a route."""

    def stop(_: State, record: Record) -> None:
        if record.route == route:
            lab.stop.set()

    lab.server.watch(stop)


def test_stop_leaves_staged_documents_to_the_next_run(lab: OpenAILab) -> None:
    """A run that is stopped while documents are indexed loses none, and stores none twice."""
    lab.repo.commit({"a.md": "# A2\n", "new.md": "# New\n"})
    stop_at(lab, "vector_stores.file_batches.create")
    assert lab.sync().status == "interrupted"
    lab.stop.clear()
    lab.server.clock.advance(60)
    assert lab.sync().status == "no-changes"
    assert "files.create" not in lab.requests
    assert (lab.contents["a.md"], lab.contents["new.md"]) == (b"# A2\n", b"# New\n")
    assert lab.strays == []


def test_copies_in_the_works_are_waited_for(lab: OpenAILab) -> None:
    """What another run has stored and waits for is adopted once it is found, never removed."""
    lab.server.change_rules(indexing_seconds=40.0)
    lab.repo.commit({"a.md": "# A2\n", "new.md": "# New\n"})
    stop_at(lab, "vector_stores.file_batches.create")
    assert lab.sync().status == "interrupted"
    attached = {one.file.id for one in lab.attachments}
    lab.stop.clear()
    lab.sync()
    assert "files.create" not in lab.requests
    assert {one.file.id for one in lab.attachments} < attached
    assert (lab.contents["a.md"], lab.contents["new.md"]) == (b"# A2\n", b"# New\n")


@pytest.mark.parametrize(("is_alone", "left"), [(True, 0), (False, 1)])
def test_copy_that_stays_in_the_works(lab: OpenAILab, is_alone: bool, left: int) -> None:
    """A copy that is not found in time has failed, unless a run that waits for it may be there."""
    lab.server.change_rules(indexing_seconds=1500.0)
    lab.repo.commit({"a.md": "# A2\n"})
    stored = len(lab.attachments)
    stop_at(lab, "vector_stores.files.create")
    assert lab.sync().status == "interrupted"
    if not is_alone:
        [key] = [name for name in lab.store.metadata if name.startswith("vn_mark_")]
        lab.store.metadata[key] += " " + make_run("00000a", time.time() + 3600)
    lab.server.change_rules(indexing_seconds=1.0)
    lab.stop.clear()
    lab.server.app.watchers.clear()
    lab.sync()
    assert stored + left == len(lab.attachments)
    lab.server.clock.advance(1500)
    lab.sync()
    assert (stored, b"# A2\n") == (len(lab.attachments), lab.contents["a.md"])


def test_sync_without_a_key(lab: OpenAILab) -> None:
    """A job that GitHub vouches for syncs without a key, longer than any exchanged key lasts."""
    lab.repo.commit(make_documents(40))
    lab.server.clock.tick = 200.0
    ids = {"identity_provider_id": "idp_1", "service_account_id": "sa_1"}
    with Issuer(lab.server) as issuer:
        lab.environ |= issuer.environ
        assert lab.sync(api_key=SecretStr(""), **ids).status == "synced"
        assert len(issuer.tokens) == lab.requests["oauth.token"] > 1
    assert (len(lab.contents), lab.strays) == (43, [])


def test_plan_that_nobody_vouches_for(lab: OpenAILab) -> None:
    """A pull request from a fork gets no identity: its plan is made from the ledger alone."""
    lab.repo.commit({"a.md": "# A2\n"})
    lab.environ["GITHUB_ACTIONS"] = "true"
    ids = {"identity_provider_id": "idp_1", "service_account_id": "sa_1"}
    record = lab.plan(api_key=SecretStr(""), **ids)
    assert (record.status, len(record.plan.updates), lab.requests) == ("planned", 1, {})
    with pytest.raises(Fatal, match="add `id-token: write`"):
        lab.sync(api_key=SecretStr(""), **ids)


def test_listeners_are_remarked_first(lab: OpenAILab) -> None:
    """Who could read the key on its way is said before it is sent."""
    lab.retry = RetryPolicy(attempts=1)
    with pytest.raises(Transient):
        lab.sync(base_url="http://0.0.0.0:1/v1")
    assert ["is http, not https" in remark for remark in lab.witness.remarks] == [True]


def test_folders_of_one_name_are_told_apart(tmp_path: Path, server: OpenAIServer) -> None:
    """Two repositories that only their folders name share a store, and leave each other alone."""
    labs = []
    for number in ("1", "2"):
        repo = GitRepo.init(tmp_path / number / "docs")
        repo.commit({"same.md": "# Same\n", f"{number}.md": f"# {number}\n"})
        labs.append(OpenAILab(repo, server))
        assert labs[-1].sync().counts["added"] == 2
    assert len(labs[0].attachments) == 4
    assert [lab.sync(refresh="always").status for lab in labs] == ["no-changes", "no-changes"]
