"""Tests of the imitation server itself."""
