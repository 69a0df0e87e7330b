"""What AutoAL takes of memory and time where data are large."""
