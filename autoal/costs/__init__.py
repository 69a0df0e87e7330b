"""What labels cost: those of rows that may be asked about, and of answers that came."""
