"""Query strategies: their contract, the view they see, and the registry."""
