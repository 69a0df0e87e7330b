"""The search for the mixture of query strategies: two networks in a bilevel problem."""
