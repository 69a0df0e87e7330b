"""The record that is shown here is the one that is kept in tests/record."""

from tests.record.conftest import config, history, read_only

__all__ = ["config", "history", "read_only"]
