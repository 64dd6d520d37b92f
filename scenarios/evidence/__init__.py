"""The evidence of a run on disk: its record, its exchanges and the ledger of their counts."""
