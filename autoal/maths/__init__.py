"""Distances, covers, regressions and rankings: mathematics that knows nothing about views."""
