"""How can the services be made to go wrong, on purpose? Each fault is a few lines."""
