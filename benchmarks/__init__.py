"""What we claim, as commands that anyone can run; their output is kept in results/."""
