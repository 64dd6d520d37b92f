"""What the three services share: the edge of the wire, the database, the metrics."""
