"""Whatever makes rows that join the pool."""
