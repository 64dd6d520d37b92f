"""Who kept count, and what do they say? Each witness is taken to disk first, then read."""
