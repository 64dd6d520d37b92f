"""Drives profiles and watches: the plan, the flow, arrivals, the load processes."""
