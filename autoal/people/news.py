"""Notifies those who wait for changes."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress


class News:
    """Wakes all waiters of one event loop whenever something changes."""

    def __init__(self) -> None:
        self.version = time.time_ns() // 1_000_000  # different from every earlier process's
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Announce a change: wake all waiters."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait until something changes, or for this long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
