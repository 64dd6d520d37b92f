"""Code that the three services share: HTTP interface, outgoing calls, database and metrics."""
