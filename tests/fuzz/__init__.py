"""Bytes from a fuzzer for everything that reads the state: `make fuzz`, or nightly in CI."""
