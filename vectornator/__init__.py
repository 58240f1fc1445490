"""Keeps a repository's documents in a vector store, with the state in git notes."""

__version__ = "0.1.0"
