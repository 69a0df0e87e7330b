"""What learns from the labelled rows, and what it says about the others."""
