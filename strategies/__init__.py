"""Query strategies, one family a file; they enter by entry points, as anybody else's do."""
