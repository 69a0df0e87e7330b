"""Data sets as LightningDataModules; they know nothing about rounds or strategies."""
