"""Distances, covers, regressions and rankings: mathematics that knows nothing of a view."""
