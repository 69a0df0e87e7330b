"""Oracles answer questions."""
