"""Cards: stores cards and counts every use of a card exactly once."""
