"""Encoders turn rows into tensors once, before anything is trained."""
