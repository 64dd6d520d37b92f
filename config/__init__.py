"""Configuration that people write: environments, addresses, credentials, units."""
