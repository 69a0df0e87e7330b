"""How AutoAL should compose a batch, and what it should search."""
