"""How long, and how often, to ask a store that needs time to index what it was given."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from vectornator.errors import ProviderError, Transient


@dataclass(frozen=True, slots=True)
class Patience:
    """When to ask how attached copies stand, and when to give up; all in seconds."""

    first: float = 0.5
    """The first wait; each one after it is half as long again."""

    longest: float = 10.0
    """The longest wait."""

    least: float = 300.0
    """The limit for a single copy."""

    each: float = 2.0
    """What every copy adds to the limit, above one minute."""

    def limit(self, copies: int) -> float:
        """How long `copies` attached together may take."""
        return max(self.least, 60.0 + self.each * copies)

    def pauses(self, copies: int) -> Iterator[float]:
        """How long to wait before each question after the first, until the limit is reached."""
        waited, pause = 0.0, self.first
        while waited < self.limit(copies):
            yield pause
            waited += pause
            pause = min(pause * 1.5, self.longest)


def await_files(
    settle: Callable[[], Mapping[str, ProviderError | None]],
    file_ids: Collection[str],
    *,
    patience: Patience,
    wait: Callable[[float], None],
) -> dict[str, ProviderError | None]:
    """Ask `settle` until every copy has settled; what has not in time is `Transient`.

    `wait` does the waiting, and may raise to end the run. Only what is waited here counts
    against the limit, not what the layers around `settle` wait.
    """
    waited, pauses = 0.0, patience.pauses(len(file_ids))
    while True:
        settled = settle()
        open_ids = [file_id for file_id in file_ids if file_id not in settled]
        if not open_ids:
            return dict(settled)
        pause = next(pauses, None)
        if pause is None:
            late = Transient(f"not searchable after {waited:.0f} seconds")
            return {**settled, **dict.fromkeys(open_ids, late)}
        wait(pause)
        waited += pause
