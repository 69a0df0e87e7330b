"""What a strategy sees, what it is, and where it comes from."""
