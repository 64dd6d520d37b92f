"""Witnesses: what counted independently of the client. Collected to disk first, then read."""
