"""People who label: their answers, their questions, and the ways to ask them."""
