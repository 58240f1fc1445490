"""The checkup: what each check finds in real repositories, with real remotes and a real service."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import TypeAlias

import pytest

from tests.openai_server import Clock, OpenAIServer, make_fault
from tests.support.clones import make_bare, make_shallow
from tests.support.git_server import Fault, GitServer
from tests.support.openai import OpenAILab
from tests.support.repositories import ENVIRON, GitRepo
from tests.support.scanner import without_scanner
from vectornator.cli import main
from vectornator.doctor import CHECKS, call_within, examine
from vectornator.errors import Transient
from vectornator.inputs import resolve_settings
from vectornator.report.diagnosis import Diagnosis, judge_diagnoses

Diagnoses: TypeAlias = Mapping[str, Diagnosis]

FLAGS = {"provider": "openai", "store_name": "docs", "patterns": "**/*.md"}


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository with two documents and an empty one."""
    repo = GitRepo.init(tmp_path / "handbook")
    repo.commit({"docs/a.md": "a", "README.md": "x", "docs/b.md": "", "main.py": ""}, "Begin")
    return repo


@pytest.fixture
def remote(tmp_path: Path, repo: GitRepo) -> Iterator[GitServer]:
    """The server of the repository's remote."""
    (tmp_path / "served").mkdir()
    with GitServer(tmp_path / "served") as server:
        server.create()
        repo.run("remote", "add", "origin", server.url("origin.git"))
        yield server


@pytest.fixture
def service() -> Iterator[OpenAIServer]:
    """An imitation of the service that lets no time pass."""
    with OpenAIServer(clock=Clock(scale=0)) as server:
        yield server


def examine_repo(place: Path, environ: Mapping[str, str], **flags: str) -> Diagnoses:
    """Every diagnosis on the repository at `place`, by name."""
    given = {"repository": str(place), **flags}
    known = {**ENVIRON, **environ}
    resolved = resolve_settings(given, known, command="doctor")
    return {one.name: one for one in examine(resolved, known)}


def to_environ(service: OpenAIServer, key: str = "") -> dict[str, str]:
    """The variables that lead to the service."""
    return {"OPENAI_API_KEY": key or service.key, "OPENAI_BASE_URL": service.url}


def sync(repo: GitRepo, service: OpenAIServer) -> None:
    """Sync with the settings of the checkups."""
    OpenAILab(repo, service).sync()


def verdicts(diagnoses: Diagnoses) -> str:
    """The verdicts in the order of the checks, in short."""
    return " ".join(one.verdict for one in diagnoses.values())


def test_all_is_well_before_the_first_sync(
    repo: GitRepo, remote: GitServer, service: OpenAIServer
) -> None:
    """Everything that a sync needs is there, and what it makes is foretold."""
    diagnoses = examine_repo(repo.root, to_environ(service), **FLAGS)
    assert {"ok"} == {one.verdict for one in diagnoses.values()}
    assert diagnoses["documents"].found == "2 documents, 1 file left out (1 empty)"
    assert diagnoses["store"].found == "none is called 'docs' yet: the first sync makes it"
    assert diagnoses["key"].found == "given by OPENAI_API_KEY, and accepted"
    assert diagnoses["push"].found.startswith(f"{remote.url('origin.git')} lets us in to push")


def test_a_checkup_changes_nothing(repo: GitRepo, remote: GitServer, service: OpenAIServer) -> None:
    """Nothing is posted to the remote but questions, nothing to the store, nothing on the disk."""
    before = {path: path.read_bytes() for path in repo.root.rglob("*") if path.is_file()}
    examine_repo(repo.root, to_environ(service), **FLAGS)
    posted = {one.path for one in remote.requests if one.method == "POST"}
    assert posted <= {"/origin.git/git-upload-pack"}
    assert set(service.ledger.counts()) == {"vector_stores.list"}
    assert before == {path: path.read_bytes() for path in repo.root.rglob("*") if path.is_file()}


def test_after_a_sync_the_ledger_names_the_store(
    repo: GitRepo, remote: GitServer, service: OpenAIServer
) -> None:
    """The ledger and the store are found without any name."""
    sync(repo, service)
    diagnoses = examine_repo(repo.root, to_environ(service), provider="openai")
    assert {"ok"} == {one.verdict for one in diagnoses.values()}
    [store] = service.state.stores
    assert diagnoses["store"].found == f"{store} exists"
    assert diagnoses["state"].found.startswith(
        f"refs/notes/vectornator on {remote.url('origin.git')}: 2 documents of {repo.head[:10]}"
    )


@pytest.mark.parametrize(
    ("flags", "expected", "message"),
    [
        ({"store_id": "vs_none"}, ("ok", 4), "There is no openai store vs_none, which --store-id"),
        ({"store_name": ""}, ("ok", 2), "No openai store is named. Set store-name"),
        ({}, ("skip", 4), "HTTP 500"),
    ],
)
def test_a_store_that_can_not_be_used_fails(
    repo: GitRepo,
    service: OpenAIServer,
    flags: dict[str, str],
    expected: tuple[str, int],
    message: str,
) -> None:
    """One that is not there, one that nobody named, one that does not answer."""
    if not flags:
        service.add_fault(make_fault("500-json", route="vector_stores.list", count=None))
    given = {**FLAGS, "remote": "none", **flags}
    diagnoses = examine_repo(repo.root, to_environ(service), **given)
    assert (diagnoses["key"].verdict, diagnoses["store"].exit_code) == expected
    assert message in diagnoses["store"].found


def test_an_expired_store_fails(repo: GitRepo, service: OpenAIServer) -> None:
    """The key is accepted, and the store is said to be of no use any more."""
    sync(repo, service)
    [store] = service.state.stores.values()
    store.expires_days = 1
    service.clock.advance(3 * 86_400)
    diagnoses = examine_repo(repo.root, to_environ(service), **FLAGS)
    assert (diagnoses["key"].verdict, diagnoses["store"].reason) == ("ok", "store-not-found")
    assert "has expired" in diagnoses["store"].found


def test_a_store_that_is_gone_is_made_anew_only_by_name(
    repo: GitRepo, service: OpenAIServer
) -> None:
    """No other store is taken for it, whatever that one is called."""
    sync(repo, service)
    [store] = service.state.stores.values()
    store.name = repo.root.name
    service.state.stores["vs_other"] = service.state.stores.pop(store.id)
    store.id, gone = "vs_other", store.id
    named = examine_repo(repo.root, to_environ(service), **FLAGS)["store"]
    unnamed = examine_repo(repo.root, to_environ(service), **{**FLAGS, "store_name": ""})["store"]
    assert (named.verdict, unnamed.verdict) == ("warn", "fail")
    assert gone in named.found
    assert f"There is no openai store {gone}, which the ledger names" in unnamed.found


@pytest.mark.parametrize("key", ["sk-wrong-0123456789", ""])
def test_a_key_that_is_wrong_or_missing_fails(
    repo: GitRepo, service: OpenAIServer, key: str
) -> None:
    """The service is asked with it, the store is not looked for, and the key is not shown."""
    environ = {"OPENAI_BASE_URL": service.url, "OPENAI_API_KEY": key}
    diagnoses = examine_repo(repo.root, environ, **FLAGS, remote="none")
    found = diagnoses["key"]
    assert (found.verdict, found.exit_code, found.reason) == ("fail", 4, "auth")
    assert diagnoses["store"].found == "not checked: key comes first"
    assert key == "" or key not in str(diagnoses)


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_push_learns_it(
    repo: GitRepo, remote: GitServer, service: OpenAIServer, status: int
) -> None:
    """A remote that can be read and not written to fails one check, with the permission to give."""
    remote.meet(Fault(status, on="git-receive-pack"))
    diagnoses = examine_repo(repo.root, to_environ(service), **FLAGS)
    assert verdicts(diagnoses) == "ok ok ok ok ok ok ok ok fail ok ok"
    assert diagnoses["push"].exit_code == 5
    assert "contents: write" in diagnoses["push"].found


def test_without_a_network_every_check_ends(repo: GitRepo) -> None:
    """What can't be reached fails in words, what hangs on it is skipped, and the rest is told."""
    repo.run("remote", "add", "origin", "http://127.0.0.1:9/origin.git")
    environ = {"OPENAI_API_KEY": "sk-imitation", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    diagnoses = examine_repo(repo.root, environ, **FLAGS)
    assert verdicts(diagnoses) == "ok ok ok ok ok ok fail skip skip skip fail"
    assert "did not answer" in diagnoses["remote"].found
    assert diagnoses["state"].found == "not checked: remote comes first"
    assert diagnoses["store"].advice.startswith("Check the network")
    assert judge_diagnoses(list(diagnoses.values())) == 5


def test_a_repository_without_a_remote_is_a_warning(repo: GitRepo, service: OpenAIServer) -> None:
    """The state of a shared store would stay in this clone: that may be meant."""
    diagnoses = examine_repo(repo.root, to_environ(service), **FLAGS)
    assert verdicts(diagnoses) == "ok ok ok ok ok ok warn ok skip ok ok"
    assert "git remote add origin" in diagnoses["remote"].advice


def test_the_local_provider_needs_neither_key_nor_remote(repo: GitRepo) -> None:
    """With no settings at all, nothing is asked of anybody."""
    repo.run("remote", "add", "origin", "http://127.0.0.1:9/origin.git")
    diagnoses = examine_repo(repo.root, {})
    assert verdicts(diagnoses) == "ok ok ok ok ok ok skip ok skip skip ok"
    assert diagnoses["settings"].found.endswith("local provider, default target; --repository")


def test_a_local_store_in_ci_is_a_warning(repo: GitRepo) -> None:
    """What a job keeps on its own machine is gone with the job."""
    provider = examine_repo(repo.root, {"CI": "true"})["provider"]
    assert (provider.verdict, "goes with the CI job" in provider.found) == ("warn", True)


def test_no_document_fails_with_a_proposal(repo: GitRepo) -> None:
    """What is there instead is counted, and patterns that would take it are named."""
    repo.commit({"docs/c.rst": "c", "README.md": None, "docs/a.md": None, "docs/b.md": None})
    documents = examine_repo(repo.root, {}, exclude="x/")["documents"]
    assert (documents.verdict, documents.exit_code) == ("fail", 2)
    assert documents.found == "Nothing is taken by **/*.md, **/*.mdx, **/*.txt."
    assert documents.advice.endswith(
        '1 .rst, 1 of them in docs/: try patterns = ["docs/**/*.rst"].'
    )


def test_a_shallow_clone_is_fine(repo: GitRepo, tmp_path: Path) -> None:
    """Its depth is told, and nobody is sent to fetch more."""
    repository = examine_repo(make_shallow(repo, tmp_path), {})["repository"]
    assert repository.verdict == "ok"
    assert "a shallow clone: no deeper one is needed" in repository.found


def test_a_bare_clone_is_fine(repo: GitRepo, tmp_path: Path) -> None:
    """A commit can be synced without a work tree."""
    diagnoses = examine_repo(make_bare(repo, tmp_path), {}, remote="none")
    assert diagnoses["documents"].verdict == "ok"


def test_one_cause_is_named_throughout(tmp_path: Path) -> None:
    """Outside a repository, whatever hangs on one says that it comes first."""
    diagnoses = examine_repo(tmp_path, {})
    assert verdicts(diagnoses) == "ok fail skip skip ok ok skip skip skip skip skip"
    told = {one.found for one in diagnoses.values() if one.verdict == "skip"}
    assert told == {"not checked: repository comes first"}


def test_a_plain_folder_may_be_meant(tmp_path: Path) -> None:
    """With its documents and its state on the disk, no repository is missed."""
    (tmp_path / "a.md").write_text("a")
    diagnoses = examine_repo(tmp_path, {}, source="worktree", metadata_storage="file")
    assert verdicts(diagnoses) == "ok ok skip ok ok ok skip ok skip skip ok"


def test_a_repository_that_moved_fails(
    repo: GitRepo, remote: GitServer, service: OpenAIServer
) -> None:
    """A ledger of another source is told apart before any document is at stake."""
    sync(repo, service)
    repo.run("clone", "-q", "--mirror", remote.url("origin.git"), str(remote.root / "moved.git"))
    repo.run("remote", "set-url", "origin", remote.url("moved.git"))
    state = examine_repo(repo.root, to_environ(service), **FLAGS)["state"]
    assert (state.verdict, state.reason) == ("fail", "other-source")


def test_a_ledger_of_another_provider_is_a_warning(
    repo: GitRepo, remote: GitServer, service: OpenAIServer
) -> None:
    """Whoever changes the provider learns what a sync will do."""
    sync(repo, service)
    state = examine_repo(repo.root, {}, provider="memory")["state"]
    assert (state.verdict, remote.url("origin.git") in state.found) == ("warn", True)
    assert "pass --provider openai" in state.advice


def test_a_misspelt_variable_is_a_warning(repo: GitRepo) -> None:
    """A variable that sets nothing is told with the one that was meant."""
    settings = examine_repo(repo.root, {"VECTORNATOR_PATTERN": "*.md"})["settings"]
    assert settings.verdict == "warn"
    assert "did you mean VECTORNATOR_PATTERNS?" in settings.advice


def test_settings_tell_where_they_come_from(repo: GitRepo) -> None:
    """Flags by themselves, files and variables with what they give, secrets by name alone."""
    repo.write({"vectornator.toml": 'directory = "docs"\nmax-deletes = "5%"\n'})
    environ = {"VECTORNATOR_TARGET": "a", "LOCAL_API_KEY": "sk-0123456789"}
    found = examine_repo(repo.root, environ, patterns="*.md")["settings"].found
    assert found.partition("; ")[2] == (
        "--repository, --patterns, vectornator.toml (directory, max-deletes), "
        "VECTORNATOR_TARGET (target), LOCAL_API_KEY (api-key)"
    )


def test_the_command_prints_the_diagnoses(
    repo: GitRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and more for people, one document for machines, the exit code for both."""
    assert main(["doctor", "-C", str(repo.root), "--directory=none"], ENVIRON) == 2
    shown = capsys.readouterr()
    assert re.findall(r"^  (\w+) +(\w+)  ", shown.out, re.MULTILINE)[3] == ("fail", "documents")
    assert (shown.out.splitlines()[-1], shown.err) == ("1 check failed.", "")
    assert main(["doctor", "-C", str(repo.root), "--json"], ENVIRON) == 0
    names = [one["name"] for one in json.loads(capsys.readouterr().out)["checks"]]
    assert names == [check.name for check in CHECKS]


@pytest.mark.parametrize(
    ("mode", "verdict"), [("block", "fail"), ("warn", "warn"), ("off", "skip")]
)
def test_missing_scanner_is_told(repo: GitRepo, mode: str, verdict: str) -> None:
    """Without the scanner a sync that blocks would fail, one that warns would search nothing."""
    with without_scanner():
        diagnosis = examine_repo(repo.root, {}, secret_scan=mode)["secrets"]
    assert (verdict, 2 if verdict == "fail" else 0) == (diagnosis.verdict, diagnosis.exit_code)


def test_checks_only_need_earlier_ones() -> None:
    """The order of the checks is one in which they can be done."""
    known: set[str] = set()
    for check in CHECKS:
        assert known.issuperset(check.needs)
        known.add(check.name)


def test_nobody_is_waited_for_in_vain() -> None:
    """A call that hangs is given up; one that answers or raises is heard."""
    forever = Event()
    with pytest.raises(Transient, match="No answer within 0 s"):
        call_within(0.05, forever.wait)
    forever.set()
    assert call_within(60, forever.wait) is True
    with pytest.raises(ZeroDivisionError):
        call_within(60, lambda: 1 // 0)
