"""Who keeps documents in the store, and how: a target of a repository, and its settings."""

from dataclasses import dataclass, field

from tests.support.oracle import CHOICES, Choice, Oracle
from tests.support.repositories import GitRepo
from vectornator.model import Binding
from vectornator.state.notes import ref_of


@dataclass
class Party:
    """One target of one repository; what is set here holds from its next run on."""

    repo: GitRepo
    """The repository that is pushed to."""

    binding: Binding
    choice: Choice = CHOICES[0]
    team: str = "red"
    form: int = 0
    """How the bytes are stored."""

    concurrency: int = 1
    refresh: str = "auto"
    is_tampered: bool = False
    """Whether somebody changed what no run can know of without listing the store."""

    user_notes: dict[str, str] = field(default_factory=dict)
    """Notes that are not ours, by commit."""

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.repo)

    @property
    def ref(self) -> str:
        """The notes ref of the target."""
        return ref_of(self.binding.target)

    @property
    def has_ref(self) -> bool:
        """Whether there are notes."""
        return bool(self.repo.run("for-each-ref", self.ref))

    def has_directory(self, commit: str) -> bool:
        """Whether a commit has the folder that documents are taken from."""
        folder = self.choice.directory
        kind = self.repo.run("cat-file", "-t", f"{commit}:{folder}", check=False)
        return not folder or kind == "tree"

    def expect(self, commit: str) -> dict[str, bytes]:
        """What the store must hold of a commit."""
        return self.oracle.expect(commit, self.choice)
