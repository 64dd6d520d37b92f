"""One module per command: what it does, from its options to its exit code."""
