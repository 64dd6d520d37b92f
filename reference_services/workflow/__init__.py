"""Workflow: turns cards into content."""
