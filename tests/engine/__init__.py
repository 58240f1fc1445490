"""Tests of the engine: whole runs on real repositories and a store in memory."""
