"""Cards: keeps the cards and counts every use of one exactly once."""
