"""A provider with rules for attributes and for what is stored, which tests may change."""

from collections.abc import Mapping

from vectornator.model import Document
from vectornator.providers.around import Layer
from vectornator.providers.base import VectorStoreProvider


class Ruled(Layer):
    """Gives every document the attribute `team`, whose value is the rule.

    `form` stands for how documents are stored.
    """

    def __init__(self, inner: VectorStoreProvider, team: str, form: str = "") -> None:
        super().__init__(inner)
        self._team = team
        self._form = form

    @property
    def fingerprint(self) -> str:
        """Name the form."""
        return f"{self.inner.fingerprint}{self._form}"

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
