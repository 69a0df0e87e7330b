"""Whoever answers questions."""
