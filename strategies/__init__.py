"""Query strategies, one family per file; entry points register them, like any plugin's."""
