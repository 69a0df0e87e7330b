"""What a query costs: seconds and memory of every installed strategy, beside other packages."""
