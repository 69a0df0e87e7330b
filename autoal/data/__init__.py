"""Rows of any kind, and the data sets that hold them."""
