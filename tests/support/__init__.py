"""What the tests stand on: servers, repositories and faults."""
