"""What a run tells while it goes on, and to whom: the seam between the engine and its audience."""

from typing import Protocol

from vectornator.model import Change, Outcome, Plan
from vectornator.report.record import Record


class Observer(Protocol):
    """An audience of one run; called on one thread only.

    Text it is given may come from outside; escaping it is the observer's duty.
    """

    def phase(self, words: str) -> None:
        """A part of the run begins, such as `Reading the documents`."""

    def remark(self, words: str) -> None:
        """Something worth knowing that stops nothing."""

    def planned(self, plan: Plan) -> None:
        """The plan is made and, where the run goes on, about to be carried out."""

    def started(self, change: Change) -> None:
        """A change was handed to the store."""

    def settled(self, outcome: Outcome, done: int, total: int) -> None:
        """A change was done or failed; `done` of `total` are settled now, this one included."""

    def finished(self, record: Record) -> None:
        """The run is over."""
