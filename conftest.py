"""What must pytest not import? What patches the process: the locustfile and its engine."""

collect_ignore = ["scenarios/locustfile.py", "scenarios/engine", "benchmarks/engine_locustfile.py"]
