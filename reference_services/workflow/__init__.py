"""Workflow: generates content from cards and reports their use to Cards."""
