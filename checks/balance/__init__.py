"""Compares what each witness counted, quantity by quantity and label by label."""
