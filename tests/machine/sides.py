"""The store's side of the world: what every kind of store lets a machine see and do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from tests.machine.party import Party
from tests.support.guard import Guard
from tests.support.lab import Lab
from tests.support.openai import OpenAILab
from tests.support.repositories import GitRepo
from vectornator.model import Binding
from vectornator.providers.around import Call, Layer
from vectornator.providers.base import VectorStoreProvider

AnyLab: TypeAlias = Lab | OpenAILab


@dataclass(frozen=True, slots=True)
class Held:
    """One copy in the store."""

    attributes: Mapping[str, object]
    content: bytes | None
    """None where the store does not keep it in one piece."""

    is_found: bool = True
    """Whether search can find it now."""

    @property
    def path(self) -> str:
        """The path that it says it is of."""
        return str(self.attributes.get("path", ""))

    def is_of(self, binding: Binding) -> bool:
        """Whether it carries the mark of a target."""
        return binding.ownership.items() <= self.attributes.items()


class Side(ABC):
    """A store that several parties share, and somebody who can reach into it."""

    @abstractmethod
    def open_lab(self, repo: GitRepo, party: Party) -> AnyLab:
        """What runs are made with, by the settings of a party."""

    @abstractmethod
    def list_held(self) -> dict[str, Held]:
        """Every copy by its id, oldest first; nothing where there is no store."""

    @property
    @abstractmethod
    def store_id(self) -> str:
        """The only store; empty as long as there is none."""

    @abstractmethod
    def drop(self, file_id: str) -> None:
        """Remove a copy."""

    @abstractmethod
    def add(self, attributes: Mapping[str, str], content: bytes) -> None:
        """Store a copy, if there is a store."""

    @abstractmethod
    def label(self, file_id: str, attributes: Mapping[str, str]) -> None:
        """Change what a copy says of itself."""

    @abstractmethod
    def lose_store(self) -> None:
        """Remove the store with all that is in it."""

    @abstractmethod
    def watch(
        self, lab: AnyLab, binding: Binding, must: set[str]
    ) -> AbstractContextManager["Watch | Guard"]:
        """Watch the store during a run: `must` stay there, and what is others' stays as it is."""

    @abstractmethod
    def count_changes(self, lab: AnyLab) -> int:
        """How many changing calls the last run made, apart from marking the store."""

    @abstractmethod
    def snapshot(self) -> object:
        """Everything that the store's side holds."""

    def list_strays(self, binding: Binding) -> list[str]:
        """What a target left behind outside of the store."""
        del binding
        return []

    def calm_down(self) -> None:  # noqa: B027  (most stores are calm)
        """End whatever disturbs runs, and let enough time pass for it to be forgotten."""

    def close(self) -> None:  # noqa: B027  (nor is anything open)
        """Close what is open."""


class Watch:
    """What must hold at every moment, and what was seen against it."""

    is_meddled = False
    """Whether somebody else changed what is in the store."""

    def __init__(self, side: Side, binding: Binding, must: set[str]) -> None:
        self.breaches: list[str] = []
        self._side = side
        self._binding = binding
        self._must = must
        self._others = self._list_others(side.list_held())

    def _list_others(self, held: Mapping[str, Held]) -> dict[str, Held]:
        return {i: one for i, one in held.items() if not one.is_of(self._binding)}

    def look(self, where: object) -> None:
        """Look into the store."""
        held = self._side.list_held()
        if self._list_others(held) != self._others:
            self.breaches.append(f"{where}: what is not ours was changed")
        found = {it.path for it in held.values() if it.is_found and it.is_of(self._binding)}
        if missing := self._must - found:
            self.breaches.append(f"{where}: nothing is found of {sorted(missing)}")


class Looking(Layer):
    """Looks into the store after every call."""

    def __init__(self, inner: VectorStoreProvider, look: Callable[[object], None]) -> None:
        super().__init__(inner)
        self._look = look

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Look once the call is over, however it ended."""
        try:
            yield
        finally:
            self._look(call)
