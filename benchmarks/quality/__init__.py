"""How good strategies are: many settings, many seeds, in pairs."""
