"""Local stack: starts and supervises the three services and a Prometheus."""
