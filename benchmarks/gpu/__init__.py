"""Everything to measure on a GPU, in one command: speed, strategies, searches, rounds, resuming."""
