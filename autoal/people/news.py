"""What has changed, and who waits for it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress


class News:
    """Wakes all who wait whenever something changes; of one event loop."""

    def __init__(self) -> None:
        self.version = time.time_ns() // 1_000_000  # no page of an earlier process has it
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Something changed: wake all who wait for it."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait until something changes, or for so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
