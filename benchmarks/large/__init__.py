"""The memory and time that AutoAL needs for large data."""
