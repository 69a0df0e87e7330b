"""Frozen backbones: they turn images into features once, and only a head is trained."""
