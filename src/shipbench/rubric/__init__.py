"""Rubric files become scorecards and tiers."""
