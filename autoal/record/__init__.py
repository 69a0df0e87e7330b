"""What an experiment leaves behind: its rounds and where they are written and shown."""
