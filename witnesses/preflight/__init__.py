"""Ask every witness for what a scenario names, before a load: counters, labels, queries, checks."""
