"""Calls from one service to another: retries, deadline, circuit breaker."""
