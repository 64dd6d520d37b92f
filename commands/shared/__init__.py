"""What several commands share: the set-up and the end of a run."""
