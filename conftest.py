"""What must pytest not import? The locustfile: importing it patches the process."""

collect_ignore = ["scenarios/locustfile.py"]
