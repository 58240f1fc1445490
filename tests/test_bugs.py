"""The deliberate bugs in `tests/bugs`: each can be put in, and one that nobody catches is told."""

import pytest

from tests.torture.bugs import BUGS, Bug, Copy, list_bugs, try_bug

HARMLESS = """\
Nothing is wrong.

Caught by: {catcher}
Told as: the ledger is lost

--- a/vectornator/__init__.py
+++ b/vectornator/__init__.py
@@ -1 +1,2 @@
+# as before
 {first}
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy of the package that bugs are put into."""
    return Copy(tmp_path_factory.mktemp("copy"))


def write_harmless(copy: Copy, catcher: str) -> Bug:
    """A patch that changes nothing."""
    package = copy.folder / "vectornator" / "__init__.py"
    first = package.read_text(encoding="utf-8").splitlines()[0]
    patch = copy.folder / "harmless.patch"
    patch.write_text(HARMLESS.format(catcher=catcher, first=first), encoding="utf-8")
    return Bug.read(patch)


def test_patches_apply(copy: Copy) -> None:
    """Every bug can be put into the package as it is now."""
    bugs = list_bugs()
    assert len(bugs) >= 30
    refused = {bug.patch.name: words for bug in bugs if (words := copy.apply(bug, "--check"))}
    assert refused == {}, "the code around them has changed: make them anew"


def test_uncaught_bug_is_a_fault(copy: Copy) -> None:
    """A bug that its catcher does not notice fails the trial."""
    catcher = "pytest tests/test_survey.py"
    trial = try_bug(write_harmless(copy, catcher), copy)
    assert (f"not caught by {catcher}",) == trial.faults


def test_crash_is_no_proof(copy: Copy) -> None:
    """A catcher that can't even run has caught nothing."""
    trial = try_bug(write_harmless(copy, "pytest tests/there_is_no_such_test.py"), copy)
    [fault] = trial.faults
    assert "pytest ended with 4" in fault


def test_wrong_reason_is_no_proof(copy: Copy) -> None:
    """A test that fails with other words than the bug's has not caught it."""
    (copy.folder / "tests" / "test_wrong.py").write_text("def test_it(): assert 1 == 2\n")
    trial = try_bug(write_harmless(copy, "pytest tests/test_wrong.py"), copy)
    [fault] = trial.faults
    assert fault.startswith("'the ledger is lost' is not in")


def test_campaign_holds_them_all() -> None:
    """At its full length the campaign leaves no bug out."""
    assert len(list_bugs()) <= BUGS.long
