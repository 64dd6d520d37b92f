"""The local stack: three services and a Prometheus, started and supervised."""
