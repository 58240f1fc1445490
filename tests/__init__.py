"""The tests of Vectornator."""
