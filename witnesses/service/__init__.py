"""The `service` witness: each replica's own `/metrics`, before and after a run."""
