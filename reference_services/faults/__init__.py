"""Faults that can be seeded into a service or into its deployment, each a few lines."""
