"""The HTTP client that every flow is driven with."""
