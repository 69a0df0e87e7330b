"""The record of an experiment: its rounds, and where they are written and shown."""
