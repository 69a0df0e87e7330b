"""Data sets as LightningDataModules; they know nothing of rounds or strategies."""
