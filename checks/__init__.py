"""What must be true, and whether it was: reading the witnesses, judging what they say."""
