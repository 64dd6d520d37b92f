"""The HTTP interface that the three services share."""
