"""What is done to the services and what must have been counted: the flow, the ledger, the load."""
