"""Growths make rows that join the pool."""
