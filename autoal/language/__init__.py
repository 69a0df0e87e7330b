"""A served language model: requests, answers, and their costs."""
