"""A provider with a rule for attributes, which tests may change."""

from collections.abc import Mapping

from vectornator.model import Document
from vectornator.providers.around import Layer
from vectornator.providers.base import VectorStoreProvider


class Ruled(Layer):
    """Gives every document the attribute `team`, whose value is the rule."""

    def __init__(self, inner: VectorStoreProvider, team: str) -> None:
        super().__init__(inner)
        self._team = team

    @property
    def attribute_rules(self) -> str:
        """Name the rule."""
        return self._team

    def enrich_metadata(
        self, document: Document, content: bytes, metadata: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Follow it."""
        del document, content
        return {**metadata, "team": self._team}
