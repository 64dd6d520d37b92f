"""The evidence of a run on disk: its record, exchanges, recordings and ledger."""
