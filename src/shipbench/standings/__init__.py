"""Repeats, intervals, ranks: scorecards become standings."""
