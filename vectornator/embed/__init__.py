"""Chunking, embedding and a searchable index, for providers that keep vectors themselves."""
