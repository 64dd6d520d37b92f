"""The `database` witness: each quantity's query, before and after a run."""
