"""The cost of a query: seconds and memory of every installed strategy, beside other packages."""
