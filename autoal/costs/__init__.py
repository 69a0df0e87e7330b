"""The costs of labels: expected for rows, and charged for answers."""
