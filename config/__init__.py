"""Where things are, and what may be sent there."""
