"""Health, readiness and clock of each service."""
