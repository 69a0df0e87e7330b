"""People who label: what they said, what they are asked, and the ways to ask them."""
