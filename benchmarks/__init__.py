"""What Vectornator costs, measured against what stands beside it: `python -m benchmarks`."""
