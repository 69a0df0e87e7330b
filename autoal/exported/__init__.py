"""The products of a run: its labels, and a trained model that needs neither data nor network."""
