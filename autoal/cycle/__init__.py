"""The cycle: ask, tell, train, test."""
