"""Tests of everything behind the door to git."""
