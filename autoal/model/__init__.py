"""Models that learn from the labelled rows and predict the others."""
