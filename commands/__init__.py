"""The stories behind the commands: what each does, stage by stage."""
