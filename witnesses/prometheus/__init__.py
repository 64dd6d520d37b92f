"""The `prometheus` witness: raw samples, and exact increases computed from them."""
