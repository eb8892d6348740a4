"""Loads a task folder: brief, phases, limits, checks."""
