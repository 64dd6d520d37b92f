"""Earlier runs: what is kept of them, and the comparison with them."""
