"""A language model behind a server: what it is asked, what it says, and what that costs."""
