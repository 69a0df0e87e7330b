"""How AutoAL should compose a batch, and which weights it should search."""
