"""Rows that are made: by edits, from a file, by a language model."""
