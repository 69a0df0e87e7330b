"""What comes out of a run: the trained model, in a folder that needs neither data nor network."""
