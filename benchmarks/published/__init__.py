"""The published method and its protocol, beside other strategies."""
